package dev.virtualip.operator.watch;

import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.NodeSpec;
import io.fabric8.kubernetes.api.model.Taint;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/** A property of a node that makes it hand over the VirtualIPs it is master of. */
public sealed interface DrainTrigger {

  /** Why a node has to hand over; empty if it does not have to. */
  Optional<String> cause(Node node);

  /** {@code cordon}: {@code kubectl cordon}, with which {@code kubectl drain} begins. */
  record Cordon() implements DrainTrigger {
    @Override
    public Optional<String> cause(Node node) {
      boolean cordoned =
          node.getSpec() != null && Boolean.TRUE.equals(node.getSpec().getUnschedulable());
      return cordoned ? Optional.of("cordoned") : Optional.empty();
    }
  }

  /**
   * {@code taint:KEY} or {@code taint:KEY=VALUE}, of any effect.
   *
   * @param value null for any
   */
  record Tainted(String key, String value) implements DrainTrigger {
    @Override
    public Optional<String> cause(Node node) {
      return Optional.ofNullable(node.getSpec()).map(NodeSpec::getTaints).stream()
          .flatMap(Collection::stream)
          .filter(taint -> key.equals(taint.getKey()))
          .filter(taint -> value == null || value.equals(taint.getValue()))
          .findFirst()
          .map(Taint::getKey)
          .map(taint -> "taint " + taint);
    }
  }

  /**
   * {@code label:KEY} or {@code label:KEY=VALUE}.
   *
   * @param value null for any
   */
  record Labelled(String key, String value) implements DrainTrigger {
    @Override
    public Optional<String> cause(Node node) {
      var labels = Objects.requireNonNullElse(node.getMetadata().getLabels(), Map.of());
      boolean has = labels.containsKey(key) && (value == null || value.equals(labels.get(key)));
      return has ? Optional.of("label " + key) : Optional.empty();
    }
  }

  /** Why a node has to hand over by any of these triggers; empty if it does not have to. */
  static Optional<String> cause(List<DrainTrigger> triggers, Node node) {
    return triggers.stream().flatMap(trigger -> trigger.cause(node).stream()).findFirst();
  }

  /**
   * Parses triggers as an administrator writes them, separated by commas; {@code none} alone means
   * no trigger.
   *
   * @throws IllegalArgumentException if they are not valid; the message says what to write instead
   */
  static List<DrainTrigger> parse(String text) {
    return text.equals("none")
        ? List.of()
        : Arrays.stream(text.split(",", -1)).map(String::strip).map(DrainTrigger::one).toList();
  }

  private static DrainTrigger one(String text) {
    int colon = text.indexOf(':');
    int equals = text.indexOf('=', Math.max(colon, 0));
    var key = text.substring(colon + 1, equals < 0 ? text.length() : equals);
    var value = equals < 0 ? null : text.substring(equals + 1);
    var kind = text.substring(0, Math.max(colon, 0));
    if (text.equals("cordon")) {
      return new Cordon();
    }
    if (kind.equals("taint") && !key.isEmpty()) {
      return new Tainted(key, value);
    }
    if (kind.equals("label") && !key.isEmpty()) {
      return new Labelled(key, value);
    }
    throw new IllegalArgumentException(
        "\"%s\" is no trigger of a drain: write cordon, taint:KEY[=VALUE], label:KEY[=VALUE] or"
                .formatted(text)
            + " none");
  }
}
