package sluice.jms;

import jakarta.jms.BytesMessage;
import jakarta.jms.JMSException;
import jakarta.jms.MapMessage;
import jakarta.jms.Message;
import jakarta.jms.Session;
import jakarta.jms.StreamMessage;
import java.util.LinkedHashMap;
import java.util.Map;

/** A message of every kind, with all that JMS lets it hold. */
final class Samples {
  private static final byte[] ALL_BYTES = allBytes();

  /** By name, which each also has as its property `sample`. */
  static Map<String, Message> of(Session session) throws JMSException {
    Map<String, Message> samples = new LinkedHashMap<>();
    samples.put("text", least(session.createTextMessage("Gr\u00fc\u00dfe \u20ac <&> \"\\\r\n\t")));
    samples.put("text-empty", session.createTextMessage(""));
    samples.put("text-without", session.createTextMessage());
    samples.put("text-nul", session.createTextMessage("before\u0000after \ud83d\ude00"));
    samples.put("text-long", session.createTextMessage("0123456789abcde\u00e4".repeat(12_000)));
    samples.put("text-json", session.createTextMessage("{\"a\": [1, 2.50, null]}"));
    samples.put("bytes", greatest(bytes(session, ALL_BYTES)));
    samples.put("bytes-empty", bytes(session, new byte[0]));
    samples.put("bytes-text", bytes(session, "text, but bytes".getBytes()));
    samples.put("map", small(map(session)));
    samples.put("map-empty", session.createMapMessage());
    samples.put("stream", odd(stream(session)));
    samples.put("stream-empty", session.createStreamMessage());
    samples.put("object", least(session.createObjectMessage(new Order("A-1 \ud83d\ude00", 1L << 53, ALL_BYTES))));
    samples.put("message", greatest(session.createMessage()));
    samples.put("message-bare", session.createMessage());
    samples.put("many", many(session));
    samples.put("beyond", beyond(session));
    samples.put("stream-bytes", streamOfBytes(session));
    for (Map.Entry<String, Message> sample : samples.entrySet()) {
      sample.getValue().setStringProperty("sample", sample.getKey());
    }
    return samples;
  }

  /** One property of every type. */
  private static Message least(Message message) throws JMSException {
    message.setBooleanProperty("boolean", true);
    message.setByteProperty("byte", Byte.MIN_VALUE);
    message.setShortProperty("short", Short.MIN_VALUE);
    message.setIntProperty("int", Integer.MIN_VALUE);
    message.setLongProperty("long", Long.MIN_VALUE);
    message.setFloatProperty("float", Float.MIN_VALUE);
    message.setDoubleProperty("double", Double.MIN_VALUE);
    message.setStringProperty("string", "Gr\u00fc\u00dfe \u20ac");
    return message;
  }

  private static Message greatest(Message message) throws JMSException {
    message.setBooleanProperty("boolean", false);
    message.setByteProperty("byte", Byte.MAX_VALUE);
    message.setShortProperty("short", Short.MAX_VALUE);
    message.setIntProperty("int", Integer.MAX_VALUE);
    message.setLongProperty("long", Long.MAX_VALUE);
    message.setFloatProperty("float", Float.MAX_VALUE);
    message.setDoubleProperty("double", Double.MAX_VALUE);
    message.setStringProperty("string", "");
    return message;
  }

  /** Small ones have shorter forms on some wires, which must not narrow their type; a whole float is no integer. */
  private static Message small(Message message) throws JMSException {
    message.setBooleanProperty("boolean", true);
    message.setByteProperty("byte", (byte) 1);
    message.setShortProperty("short", (short) 1);
    message.setIntProperty("int", 1);
    message.setLongProperty("long", 1);
    message.setFloatProperty("float", 3.0f);
    message.setDoubleProperty("double", 3.0);
    message.setStringProperty("string", "0123");
    return message;
  }

  private static Message odd(Message message) throws JMSException {
    message.setFloatProperty("float", Float.NaN);
    message.setFloatProperty("float_minus_zero", -0.0f);
    message.setDoubleProperty("double", Double.NEGATIVE_INFINITY);
    message.setDoubleProperty("double_minus_zero", -0.0);
    message.setIntProperty("int", 0);
    message.setLongProperty("long", 0);
    message.setStringProperty("string", " a\tb\u0001 ");
    message.setStringProperty("string_null", null);
    return message;
  }

  /** More than a message of SQS has attributes, and a name that none of them may have. */
  private static Message many(Session session) throws JMSException {
    Message message = greatest(session.createTextMessage("many properties"));
    for (int i = 0; i < 30; i++) message.setIntProperty("number_" + i, i);
    message.setDoubleProperty("net$price", 1.5);
    return message;
  }

  /** Properties that ActiveMQ's client writes in one encoding and reads in another (MarshallingSupport of 6.3.1). */
  private static Message beyond(Session session) throws JMSException {
    Message message = session.createTextMessage("see the properties");
    message.setStringProperty("astral", "\ud83d\ude00");
    message.setStringProperty("nul", "a\u0000b");
    return message;
  }

  private static BytesMessage bytes(Session session, byte[] bytes) throws JMSException {
    BytesMessage message = session.createBytesMessage();
    message.writeBytes(bytes);
    return message;
  }

  private static MapMessage map(Session session) throws JMSException {
    MapMessage message = session.createMapMessage();
    message.setBoolean("boolean", true);
    message.setByte("byte", Byte.MIN_VALUE);
    message.setShort("short", Short.MIN_VALUE);
    message.setChar("char", '\u20ac');
    message.setInt("int", Integer.MIN_VALUE);
    message.setLong("long", Long.MIN_VALUE);
    message.setFloat("float", Float.MAX_VALUE);
    message.setDouble("double", Double.MIN_VALUE);
    message.setString("string", "Gr\u00fc\u00dfe \u20ac");
    message.setString("string_empty", "");
    message.setString("string_null", null);
    message.setBytes("bytes", ALL_BYTES);
    message.setBytes("bytes_empty", new byte[0]);
    message.setInt("a name, but no identifier \u20ac", 7);
    return message;
  }

  private static StreamMessage stream(Session session) throws JMSException {
    StreamMessage message = session.createStreamMessage();
    message.writeBoolean(true);
    message.writeByte(Byte.MAX_VALUE);
    message.writeShort(Short.MAX_VALUE);
    message.writeChar('\u20ac');
    message.writeInt(Integer.MAX_VALUE);
    message.writeInt(1);
    message.writeLong(Long.MAX_VALUE);
    message.writeLong(1);
    message.writeFloat(Float.MIN_VALUE);
    message.writeDouble(Double.MAX_VALUE);
    message.writeString("Gr\u00fc\u00dfe \u20ac");
    message.writeString("");
    message.writeObject(null);
    return message;
  }

  /** ActiveMQ fails to hand it out by AMQP: `[B cannot be cast to class [Ljava.lang.Object;` in the log of 6.3.1. */
  private static StreamMessage streamOfBytes(Session session) throws JMSException {
    StreamMessage message = session.createStreamMessage();
    message.writeBytes(ALL_BYTES);
    return message;
  }

  private static byte[] allBytes() {
    byte[] bytes = new byte[256];
    for (int i = 0; i < bytes.length; i++) bytes[i] = (byte) i;
    return bytes;
  }

  private Samples() {}
}
