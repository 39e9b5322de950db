package sluice.jms;

import jakarta.jms.Connection;
import jakarta.jms.DeliveryMode;
import jakarta.jms.JMSException;
import jakarta.jms.Message;
import jakarta.jms.MessageConsumer;
import jakarta.jms.MessageProducer;
import jakarta.jms.Queue;
import jakarta.jms.Session;
import jakarta.jms.TextMessage;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/** A requester as JMS applications write it: one temporary queue for its answers, told apart by correlation id. */
final class Request {
  private static final long PATIENCE = 60_000;

  private final Session session;
  private final MessageProducer producer;
  private final Queue answers;
  /** The question that was asked under each correlation id. */
  private final Map<String, String> asked = new HashMap<>();

  private Request(Connection connection, String queue) throws JMSException {
    session = connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
    producer = session.createProducer(session.createQueue(queue));
    producer.setDeliveryMode(DeliveryMode.NON_PERSISTENT);
    producer.setTimeToLive(PATIENCE);
    answers = session.createTemporaryQueue();
  }

  /** Asks all before it reads the first answer, then reads until each has one. One more answer is waited for a little. */
  static void run(Connection connection, String queue, int count, boolean withIds) throws JMSException {
    Request request = new Request(connection, queue);
    long began = System.nanoTime();
    request.ask(count, withIds);
    Map<String, Object> result = request.answers();
    result.put("milliseconds", (System.nanoTime() - began) / 1_000_000);
    Json.print(result);
  }

  /** Asks, and goes away before there can be an answer. */
  static void abandon(Connection connection, String queue, int count) throws JMSException {
    Request request = new Request(connection, queue);
    request.ask(count, true);
    Json.print(Map.of("asked", count, "answers", request.answers.toString()));
  }

  private void ask(int count, boolean withIds) throws JMSException {
    for (int i = 0; i < count; i++) {
      TextMessage question = session.createTextMessage("question " + i);
      question.setJMSReplyTo(answers);
      if (withIds) question.setJMSCorrelationID("request-" + i + " \ud83d\ude00");
      producer.send(question);
      asked.put(withIds ? question.getJMSCorrelationID() : question.getJMSMessageID(), question.getText());
    }
  }

  /** `right` answers are of the right question, under its id, for the first time; all others are wrong. */
  private Map<String, Object> answers() throws JMSException {
    MessageConsumer consumer = session.createConsumer(answers);
    Set<String> right = new HashSet<>();
    int wrong = 0;
    String firstWrong = null;
    long deadline = System.currentTimeMillis() + PATIENCE;
    while (true) {
      long left = right.size() < asked.size() ? deadline - System.currentTimeMillis() : 200;
      Message answer = left <= 0 ? null : consumer.receive(left);
      if (answer == null) break;
      String id = answer.getJMSCorrelationID();
      if (isAnswer(answer, asked.get(id)) && right.add(id)) continue;
      wrong++;
      if (firstWrong == null) firstWrong = Description.of(answer).toString();
    }
    Map<String, Object> result = new HashMap<>();
    result.put("asked", asked.size());
    result.put("right", right.size());
    result.put("wrong", wrong);
    result.put("firstWrong", firstWrong);
    return result;
  }

  private static boolean isAnswer(Message answer, String question) throws JMSException {
    return answer instanceof TextMessage text && ("answer to " + question).equals(text.getText());
  }
}
