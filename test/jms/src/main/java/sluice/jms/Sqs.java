package sluice.jms;

import com.amazon.sqs.javamessaging.ProviderConfiguration;
import com.amazon.sqs.javamessaging.SQSConnectionFactory;
import jakarta.jms.BytesMessage;
import jakarta.jms.Connection;
import jakarta.jms.JMSException;
import jakarta.jms.Message;
import jakarta.jms.MessageProducer;
import jakarta.jms.Session;
import java.net.URI;
import java.util.LinkedHashMap;
import java.util.Map;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.sqs.SqsClient;

/** JMS on SQS, by the Amazon SQS Java Messaging Library. */
final class Sqs {
  static boolean isAt(String url) {
    return url.startsWith("http");
  }

  static Connection connect(String endpoint) throws JMSException {
    SqsClient client = SqsClient.builder()
        .endpointOverride(URI.create(endpoint))
        .region(Region.EU_WEST_1)
        .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create("test", "test")))
        .build();
    return new SQSConnectionFactory(new ProviderConfiguration(), client).createConnection();
  }

  /** One message of every kind that the library has, described as it was sent; the answers go to the queue `QUEUE-answers`. */
  static void send(Connection connection, String queue) throws JMSException {
    Session session = connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
    MessageProducer producer = session.createProducer(session.createQueue(queue));
    for (Map.Entry<String, Message> sample : samples(session, queue).entrySet()) {
      Message message = sample.getValue();
      message.setStringProperty("sample", sample.getKey());
      producer.send(message);
      if (message instanceof BytesMessage bytes) bytes.reset();
      Json.print(Description.of(message));
    }
  }

  private static Map<String, Message> samples(Session session, String queue) throws JMSException {
    Map<String, Message> samples = new LinkedHashMap<>();
    Message text = session.createTextMessage("Gr\u00fc\u00dfe \u20ac <&>\r\n\t");
    samples.put("text", text);
    text.setBooleanProperty("boolean", true);
    text.setByteProperty("byte", Byte.MIN_VALUE);
    text.setShortProperty("short", Short.MIN_VALUE);
    text.setIntProperty("int", Integer.MIN_VALUE);
    text.setLongProperty("long", Long.MIN_VALUE);
    text.setFloatProperty("float", 1.5f);
    text.setDoubleProperty("double", 1e-7);
    text.setStringProperty("string", "Gr\u00fc\u00dfe \ud83d\ude00");
    BytesMessage bytes = session.createBytesMessage();
    samples.put("bytes", bytes);
    byte[] all = new byte[256];
    for (int i = 0; i < all.length; i++) all[i] = (byte) i;
    bytes.writeBytes(all);
    bytes.setJMSCorrelationID("order 1 \ud83d\ude00");
    bytes.setJMSReplyTo(session.createQueue(queue + "-answers"));
    bytes.setStringProperty("JMSXGroupID", "customer 7");
    bytes.setIntProperty("JMSXGroupSeq", 3);
    samples.put("object", session.createObjectMessage(new Order("A-1", 1L << 53, all)));
    return samples;
  }

  private Sqs() {}
}
