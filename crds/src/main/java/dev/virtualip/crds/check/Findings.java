package dev.virtualip.crds.check;

import dev.virtualip.crds.schema.LabelSelector;
import dev.virtualip.crds.values.Durations;
import dev.virtualip.crds.values.InterfaceSelector;
import dev.virtualip.crds.values.IpPrefix;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * Collects problems in the order in which rules find them, and has the rules that several sections
 * share.
 */
final class Findings {
  private static final Pattern INTERFACE = Pattern.compile(InterfaceSelector.PATTERN);

  private final List<Problem> problems = new ArrayList<>();

  List<Problem> problems() {
    return List.copyOf(problems);
  }

  int count() {
    return problems.size();
  }

  void add(String path, String message) {
    problems.add(new Problem(path, message));
  }

  /** The value of a text. If the text is not valid, adds a problem and returns null. */
  <T> T value(String path, Parsed<T> parsed) {
    if (parsed.error() != null) {
      add(path, parsed.error());
    }
    return parsed.value();
  }

  void range(String path, Number value, long min, long max, String what) {
    if (value != null && (value.longValue() < min || value.longValue() > max)) {
      add(path, value + " is not a " + what + ": use " + min + " to " + max);
    }
  }

  Duration duration(String path, Parsed<Duration> parsed, Duration min, Duration max) {
    return duration(path, parsed, min, max, "");
  }

  /**
   * The value of a text. If it is not valid or out of range, adds a problem and returns null.
   *
   * @param hint further advice about a value that is out of range
   */
  Duration duration(String path, Parsed<Duration> parsed, Duration min, Duration max, String hint) {
    var value = value(path, parsed);
    if (value == null || value.compareTo(min) >= 0 && value.compareTo(max) <= 0) {
      return value;
    }
    add(
        path,
        "%s is out of range: use %s to %s%s"
            .formatted(parsed.text(), Durations.format(min), Durations.format(max), hint));
    return null;
  }

  /** A duration that IPVS has to know, in seconds, from 1s. */
  void seconds(String path, Parsed<Duration> parsed, Duration max) {
    var value = duration(path, parsed, Duration.ofSeconds(1), max);
    if (value != null && value.toNanosPart() != 0) {
      add(path, "IPVS counts in seconds: round " + parsed.text() + " to whole ones");
    }
  }

  void nic(String path, String selector) {
    if (selector != null && !isNic(selector)) {
      add(
          path,
          "\"%s\" cannot name a NIC: use 1 to 127 characters without blank, slash, colon, or a prefix"
                  .formatted(selector)
              + " such as 10.0.0.0/24");
    }
  }

  private static boolean isNic(String selector) {
    return selector.indexOf('/') < 0
        ? INTERFACE.matcher(selector).matches()
        : Parsed.of(selector, IpPrefix::parse).value() != null;
  }

  /** Checks the name of a namespace, which has to be there. */
  void namespace(String path, String name) {
    if (isBlank(name)) {
      add(path, "is missing: name the namespace of the pods");
    } else if (!VirtualServerRules.NAME.matcher(name).matches()) {
      add(path, "no namespace is called \"" + name + "\": use 1 to 63 of a-z, 0-9 and -");
    }
  }

  /** Checks a label selector, which has to be there and ask for something. */
  void selectorOfSome(String path, LabelSelector selector) {
    if (selector == null) {
      add(path, "is missing: give labels to select by");
    } else if (selector.isEmpty()) {
      add(path, "an empty selector takes all there are: give labels that they have");
    }
    selector(path, selector);
  }

  /** Checks a label selector; it may be empty. */
  void selector(String path, LabelSelector selector) {
    if (selector == null) {
      return;
    }
    selector
        .matchLabels()
        .forEach(
            (key, value) -> {
              if (value == null) {
                add(path + ".matchLabels." + key, "has no value: write \"\" for an empty one");
              }
            });
    for (int i = 0; i < selector.matchExpressions().size(); i++) {
      requirement(path + ".matchExpressions[" + i + "]", selector.matchExpressions().get(i));
    }
  }

  private void requirement(String path, LabelSelector.Requirement requirement) {
    if (requirement == null || isBlank(requirement.key()) || requirement.operator() == null) {
      add(path, "needs a key and an operator: In, NotIn, Exists or DoesNotExist");
      return;
    }
    boolean wantsValues =
        switch (requirement.operator()) {
          case In, NotIn -> true;
          case Exists, DoesNotExist -> false;
        };
    if (wantsValues == requirement.values().isEmpty()) {
      add(
          path + ".values",
          wantsValues
              ? requirement.operator() + " needs at least one value"
              : requirement.operator() + " takes no values: remove them");
    }
  }

  static boolean isBlank(String text) {
    return text == null || text.isBlank();
  }
}
