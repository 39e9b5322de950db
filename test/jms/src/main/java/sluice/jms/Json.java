package sluice.jms;

import java.util.Map;
import java.util.stream.Collectors;

/** Writes maps, iterables, text, numbers, booleans and null as JSON in ASCII. */
final class Json {
  static void print(Object value) {
    System.out.println(text(value));
    System.out.flush();
  }

  private static String text(Object value) {
    if (value == null || value instanceof Number || value instanceof Boolean) return String.valueOf(value);
    if (value instanceof Map<?, ?> map) {
      return map.entrySet().stream()
          .map(e -> quoted(String.valueOf(e.getKey())) + ":" + text(e.getValue()))
          .collect(Collectors.joining(",", "{", "}"));
    }
    if (value instanceof Iterable<?> items) {
      StringBuilder out = new StringBuilder("[");
      for (Object item : items) out.append(out.length() > 1 ? "," : "").append(text(item));
      return out.append("]").toString();
    }
    return quoted(value.toString());
  }

  private static String quoted(String text) {
    StringBuilder out = new StringBuilder("\"");
    for (char c : text.toCharArray()) {
      if (c == '"' || c == '\\') out.append('\\').append(c);
      else if (c >= ' ' && c < 0x7f) out.append(c);
      else out.append(String.format("\\u%04x", (int) c));
    }
    return out.append('"').toString();
  }

  private Json() {}
}
