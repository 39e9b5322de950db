package sluice.jms;

import jakarta.jms.Connection;
import jakarta.jms.JMSException;
import jakarta.jms.Message;
import jakarta.jms.MessageConsumer;
import jakarta.jms.Session;

/** Reads so many messages, waiting half a minute for each, and describes them. */
final class Read {
  private static final long PATIENCE = 30_000;

  static void run(Connection connection, String queue, int count) throws JMSException {
    Session session = connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
    MessageConsumer consumer = session.createConsumer(session.createQueue(queue));
    for (int i = 0; i < count; i++) {
      Message message = consumer.receive(PATIENCE);
      if (message == null) throw new IllegalStateException("only " + i + " messages came to " + queue);
      Json.print(Description.of(message));
    }
  }

  private Read() {}
}
