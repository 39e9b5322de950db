package sluice.jms;

import jakarta.jms.BytesMessage;
import jakarta.jms.Connection;
import jakarta.jms.DeliveryMode;
import jakarta.jms.JMSException;
import jakarta.jms.Message;
import jakarta.jms.MessageProducer;
import jakarta.jms.Session;
import jakarta.jms.StreamMessage;
import java.util.Map;

/** Sends the samples and describes each as it is once it was sent. */
final class Send {
  private static final long HOUR = 3_600_000;

  static void run(Connection connection, String queue) throws JMSException {
    Session session = connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
    MessageProducer producer = session.createProducer(session.createQueue(queue));
    for (Map.Entry<String, Message> sample : Samples.of(session).entrySet()) {
      Message message = sample.getValue();
      if (message.propertyExists("double")) {
        message.setJMSCorrelationID("order 1 \ud83d\ude00");
        message.setJMSType("order.created");
        message.setJMSReplyTo(session.createQueue(queue + ".answers"));
        message.setStringProperty("JMSXGroupID", "customer 7");
        message.setIntProperty("JMSXGroupSeq", 3);
        producer.send(message, DeliveryMode.PERSISTENT, 7, HOUR);
      } else if (sample.getKey().equals("message-bare")) {
        producer.send(message, DeliveryMode.NON_PERSISTENT, 0, 0);
      } else {
        producer.send(message);
      }
      Json.print(Description.of(readable(message)));
    }
  }

  /** Bodies that are written in turn are read only after that. */
  private static Message readable(Message message) throws JMSException {
    if (message instanceof BytesMessage bytes) bytes.reset();
    if (message instanceof StreamMessage stream) stream.reset();
    return message;
  }

  private Send() {}
}
