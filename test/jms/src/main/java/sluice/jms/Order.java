package sluice.jms;

import java.io.Serializable;

/** What an ObjectMessage holds: it has to be the same class, with the same fields, when it is read. */
record Order(String number, long quantity, byte[] seal) implements Serializable {
  private static final long serialVersionUID = 1;

  @Override
  public String toString() {
    return number + " x " + quantity + " " + Description.hex(seal);
  }
}
