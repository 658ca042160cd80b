package dev.virtualip.vip.keepalived;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** A mapping of a manifest; each value knows the directive that it came from. */
final class Fields {
  /**
   * A value.
   *
   * @param content text, number, boolean, {@code Fields}, or a list of values
   * @param from null if it came from no directive
   */
  record Value(Object content, Directive from) {
    /** What it says, without where it came from. */
    Object plain() {
      return switch (content) {
        case Fields fields -> fields.plain();
        case List<?> list -> list.stream().map(item -> ((Value) item).plain()).toList();
        default -> content;
      };
    }

    /** What is in it by a field's name, or by an index in brackets; null if there is none. */
    Value inner(String name) {
      if (content instanceof Fields fields) {
        return fields.get(name);
      }
      var index =
          name.startsWith("[")
              ? Reading.number(name.replaceAll("[\\[\\]]", ""), 0, items().size() - 1)
              : null;
      return index == null ? null : items().get(index);
    }

    /** All directives that it and what is in it came from. */
    Stream<Directive> sources() {
      var inner =
          content instanceof Fields fields ? fields.values().values().stream() : items().stream();
      return Stream.concat(Stream.ofNullable(from), inner.flatMap(Value::sources));
    }

    /** The items of a list; none if it is none. */
    @SuppressWarnings("unchecked") // Lists are made by list() alone.
    List<Value> items() {
      return content instanceof List<?> list ? (List<Value>) list : List.of();
    }
  }

  private final Map<String, Value> values = new LinkedHashMap<>();

  Map<String, Value> values() {
    return values;
  }

  boolean isEmpty() {
    return values.isEmpty();
  }

  Value get(String name) {
    return values.get(name);
  }

  /** Sets a value; one that is null stays away. */
  Fields put(String name, Object content, Directive from) {
    if (content != null) {
      values.put(name, new Value(content, from));
    }
    return this;
  }

  /** The mapping of a name, made if there is none. */
  Fields in(String name, Directive from) {
    return (Fields) values.computeIfAbsent(name, _ -> new Value(new Fields(), from)).content();
  }

  /** The list of a name, made if there is none. */
  List<Value> list(String name, Directive from) {
    return values.computeIfAbsent(name, _ -> new Value(new ArrayList<Value>(), from)).items();
  }

  void add(String name, Object content, Directive from) {
    list(name, from).add(new Value(content, from));
  }

  /** What it says, without where it came from; two that say the same are equal. */
  Map<String, Object> plain() {
    var plain = new LinkedHashMap<String, Object>();
    values.forEach((name, value) -> plain.put(name, value.plain()));
    return plain;
  }

  /** The text of a value, or null. */
  String text(String name) {
    return values.get(name) == null ? null : String.valueOf(values.get(name).content());
  }
}
