package sluice.jms;

import jakarta.jms.Connection;
import java.util.List;
import org.apache.activemq.ActiveMQConnectionFactory;

/** The commands. URL is that of a broker, or the endpoint of SQS. Each writes lines of JSON to its output; a failure is a stack trace and exit code 1. */
public final class Main {
  private static final String USAGE = """
      send URL QUEUE             one message of every sample, each described as it was sent
      read URL QUEUE COUNT       reads so many messages and describes them
      request URL QUEUE COUNT    so many requests at once, the answers to a temporary queue, each with a correlation id
      request-by-message-id URL QUEUE COUNT   the same without one: the answer has the id of the request's message
      abandon URL QUEUE COUNT    sends so many requests and goes, its temporary queue with it
      serve URL QUEUE            answers requests until its input ends
      """;

  public static void main(String[] args) throws Exception {
    if (args.length < 3) {
      System.err.print(USAGE);
      System.exit(2);
    }
    String queue = args[2];
    try (Connection connection = connect(args[1])) {
      connection.start();
      switch (args[0]) {
        case "send" -> {
          if (Sqs.isAt(args[1])) Sqs.send(connection, queue);
          else Send.run(connection, queue);
        }
        case "read" -> Read.run(connection, queue, count(args));
        case "request" -> Request.run(connection, queue, count(args), true);
        case "request-by-message-id" -> Request.run(connection, queue, count(args), false);
        case "abandon" -> Request.abandon(connection, queue, count(args));
        case "serve" -> Serve.run(connection, queue);
        default -> throw new IllegalArgumentException("no command " + args[0]);
      }
      // To close it there takes as long as a receive waits for messages, 20 seconds.
      if (Sqs.isAt(args[1])) System.exit(0);
    }
  }

  private static Connection connect(String url) throws Exception {
    if (Sqs.isAt(url)) return Sqs.connect(url);
    ActiveMQConnectionFactory factory = new ActiveMQConnectionFactory(url);
    factory.setTrustedPackages(List.of("sluice.jms"));
    return factory.createConnection();
  }

  private static int count(String[] args) {
    return Integer.parseInt(args[3]);
  }

  private Main() {}
}
