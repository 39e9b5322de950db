package sluice.jms;

import jakarta.jms.Connection;
import jakarta.jms.JMSException;
import jakarta.jms.Message;
import jakarta.jms.MessageProducer;
import jakarta.jms.Session;
import jakarta.jms.TextMessage;
import java.io.IOException;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/** A service as JMS applications write it: the answer goes to JMSReplyTo, with the correlation id of the request or its message id. */
final class Serve {
  static void run(Connection connection, String queue) throws JMSException, IOException {
    Session session = connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
    MessageProducer producer = session.createProducer(null);
    AtomicInteger answered = new AtomicInteger();
    session.createConsumer(session.createQueue(queue)).setMessageListener(request -> {
      try {
        producer.send(request.getJMSReplyTo(), answer(session, request));
        answered.incrementAndGet();
      } catch (JMSException failed) {
        // The listener must not throw; without its answer the test fails, and this says why.
        failed.printStackTrace();
      }
    });
    Json.print(Map.of("serving", queue));
    while (System.in.read() >= 0) {
      // Runs until its input ends.
    }
    Json.print(Map.of("answered", answered.get()));
  }

  private static Message answer(Session session, Message request) throws JMSException {
    TextMessage answer = session.createTextMessage("answer to " + ((TextMessage) request).getText());
    String id = request.getJMSCorrelationID();
    answer.setJMSCorrelationID(id != null ? id : request.getJMSMessageID());
    return answer;
  }

  private Serve() {}
}
