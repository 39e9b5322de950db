package sluice.jms;

import jakarta.jms.BytesMessage;
import jakarta.jms.JMSException;
import jakarta.jms.MapMessage;
import jakarta.jms.Message;
import jakarta.jms.MessageEOFException;
import jakarta.jms.ObjectMessage;
import jakarta.jms.StreamMessage;
import jakarta.jms.TextMessage;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Enumeration;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** A message as an application sees it through JMS: its kind, body, properties and headers, each value with its class. */
final class Description {
  static Map<String, Object> of(Message message) throws JMSException {
    Map<String, Object> description = new TreeMap<>();
    description.put("kind", kind(message));
    description.put("body", body(message));
    description.put("properties", properties(message));
    description.put("headers", headers(message));
    return description;
  }

  /** The name of the interface, which is what applications ask for. */
  private static String kind(Message message) {
    if (message instanceof TextMessage) return "TextMessage";
    if (message instanceof BytesMessage) return "BytesMessage";
    if (message instanceof MapMessage) return "MapMessage";
    if (message instanceof StreamMessage) return "StreamMessage";
    return message instanceof ObjectMessage ? "ObjectMessage" : "Message";
  }

  private static Object body(Message message) throws JMSException {
    if (message instanceof TextMessage text) return text.getText();
    if (message instanceof BytesMessage bytes) {
      byte[] read = new byte[(int) bytes.getBodyLength()];
      bytes.readBytes(read);
      return hex(read);
    }
    if (message instanceof MapMessage map) {
      Map<String, Object> entries = new TreeMap<>();
      for (String name : names(map.getMapNames())) entries.put(name, value(map.getObject(name)));
      return entries;
    }
    if (message instanceof StreamMessage stream) return items(stream);
    return message instanceof ObjectMessage object ? value(object.getObject()) : null;
  }

  private static List<Object> items(StreamMessage stream) throws JMSException {
    List<Object> items = new ArrayList<>();
    try {
      while (true) items.add(value(stream.readObject()));
    } catch (MessageEOFException end) {
      return items;
    }
  }

  private static Map<String, Object> properties(Message message) throws JMSException {
    Map<String, Object> properties = new TreeMap<>();
    for (String name : names(message.getPropertyNames())) {
      properties.put(name, value(message.getObjectProperty(name)));
    }
    return properties;
  }

  private static List<String> names(Enumeration<?> names) {
    return Collections.list(names).stream().map(String.class::cast).toList();
  }

  private static Map<String, Object> headers(Message message) throws JMSException {
    Map<String, Object> headers = new TreeMap<>();
    headers.put("JMSMessageID", message.getJMSMessageID());
    headers.put("JMSCorrelationID", message.getJMSCorrelationID());
    headers.put("JMSType", message.getJMSType());
    headers.put("JMSReplyTo", message.getJMSReplyTo());
    headers.put("JMSDestination", message.getJMSDestination());
    headers.put("JMSDeliveryMode", message.getJMSDeliveryMode());
    headers.put("JMSPriority", message.getJMSPriority());
    headers.put("JMSTimestamp", message.getJMSTimestamp());
    headers.put("JMSExpiration", message.getJMSExpiration());
    return headers;
  }

  /** A value is text beside its class, so that no digit and no type is lost on the way to whoever compares. */
  private static Map<String, Object> value(Object value) {
    Map<String, Object> described = new TreeMap<>();
    if (value == null) described.put("null", true);
    else if (value instanceof byte[] bytes) described.put("byte[]", hex(bytes));
    else described.put(value.getClass().getSimpleName(), value.toString());
    return described;
  }

  static String hex(byte[] bytes) {
    return HexFormat.of().formatHex(bytes);
  }

  private Description() {}
}
