package sluice.jms;

import com.amazon.sqs.javamessaging.AmazonSQSExtendedClient;
import com.amazon.sqs.javamessaging.ExtendedClientConfiguration;
import java.net.URI;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.awscore.client.builder.AwsClientBuilder;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.sns.SnsClient;
import software.amazon.awssdk.services.sns.model.PublishRequest;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.DeleteMessageRequest;
import software.amazon.awssdk.services.sqs.model.Message;
import software.amazon.awssdk.services.sqs.model.MessageAttributeValue;
import software.amazon.awssdk.services.sqs.model.ReceiveMessageRequest;
import software.amazon.awssdk.services.sqs.model.SendMessageRequest;
import software.amazon.sns.AmazonSNSExtendedClient;
import software.amazon.sns.SNSExtendedClientConfiguration;

/**
 * Large messages by AWS's extended clients: `send ENDPOINT BUCKET QUEUE-URL LENGTH`, `publish ENDPOINT BUCKET TOPIC-ARN LENGTH`, which
 * send one message of so many times two bytes, and `read ENDPOINT BUCKET QUEUE-URL COUNT`, which describes and deletes.
 */
public final class Large {
  public static void main(String[] args) throws Exception {
    S3Client s3 = at(args[1], S3Client.builder().forcePathStyle(true)).build();
    String bucket = args[2];
    String place = args[3];
    int number = Integer.parseInt(args[4]);
    switch (args[0]) {
      case "send" -> {
        try (SqsClient client = queues(args[1], s3, bucket)) {
          MessageAttributeValue site = MessageAttributeValue.builder().dataType("String").stringValue("north").build();
          SendMessageRequest.Builder message = SendMessageRequest.builder().queueUrl(place).messageBody("\u00fc".repeat(number));
          client.sendMessage(message.messageAttributes(Map.of("site", site)).build());
        }
      }
      case "publish" -> {
        SNSExtendedClientConfiguration large = new SNSExtendedClientConfiguration().withPayloadSupportEnabled(s3, bucket);
        try (SnsClient client = new AmazonSNSExtendedClient(at(args[1], SnsClient.builder()).build(), large)) {
          client.publish(PublishRequest.builder().topicArn(place).message("\u00fc".repeat(number)).build());
        }
      }
      case "read" -> {
        try (SqsClient client = queues(args[1], s3, bucket)) {
          for (int i = 0; i < number; ) i += read(client, place);
        }
      }
      default -> throw new IllegalArgumentException("no command " + args[0]);
    }
  }

  private static int read(SqsClient client, String queue) {
    ReceiveMessageRequest.Builder request = ReceiveMessageRequest.builder().queueUrl(queue).waitTimeSeconds(5);
    var messages = client.receiveMessage(request.messageAttributeNames("All").build()).messages();
    for (Message message : messages) {
      Map<String, Object> attributes = new TreeMap<>();
      message.messageAttributes().forEach((name, value) -> attributes.put(name, value.dataType() + " " + value.stringValue()));
      Map<String, Object> all = new LinkedHashMap<>();
      all.put("body", message.body());
      all.put("attributes", attributes);
      Json.print(all);
      client.deleteMessage(DeleteMessageRequest.builder().queueUrl(queue).receiptHandle(message.receiptHandle()).build());
    }
    return messages.size();
  }

  private static SqsClient queues(String endpoint, S3Client s3, String bucket) {
    ExtendedClientConfiguration large = new ExtendedClientConfiguration().withPayloadSupportEnabled(s3, bucket);
    return new AmazonSQSExtendedClient(at(endpoint, SqsClient.builder()).build(), large);
  }

  private static <B extends AwsClientBuilder<B, C>, C> B at(String endpoint, B builder) {
    return builder
        .endpointOverride(URI.create(endpoint))
        .region(Region.EU_WEST_1)
        .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create("test", "test")));
  }

  private Large() {}
}
