package dev.virtualip.crds.schema;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** A Kubernetes label selector; all parts have to match, an empty one matches everything. */
@JsonInclude(JsonInclude.Include.NON_EMPTY)
public record LabelSelector(
    @JsonPropertyDescription("Labels the object must have, with these values.")
        Map<String, String> matchLabels,
    @Size(max = 32) @JsonPropertyDescription("Expressions over labels.")
        List<Requirement> matchExpressions) {
  /** CEL that is false for a selector of everything. */
  static final String IS_NOT_EMPTY =
      "(has(self.matchLabels) && size(self.matchLabels) > 0)"
          + " || (has(self.matchExpressions) && size(self.matchExpressions) > 0)";

  /** What is said where a selector must not be empty. */
  public static final String EMPTY =
      "an empty selector takes all there are: give labels that they have";

  /** Makes null collections empty. */
  public LabelSelector {
    matchLabels = matchLabels == null ? Map.of() : Collections.unmodifiableMap(matchLabels);
    matchExpressions = VirtualIpSpec.copy(matchExpressions);
  }

  /** One expression over a label. */
  @JsonInclude(JsonInclude.Include.NON_EMPTY)
  public record Requirement(
      @Required @Size(min = 1) @JsonPropertyDescription("Label key.") String key,
      @Required @JsonPropertyDescription("How the values are meant.") Operator operator,
      @Size(max = 64)
          @JsonPropertyDescription(
              "Values; at least one for In and NotIn, none for Exists and DoesNotExist.")
          List<String> values) {

    /** Makes null values empty. */
    public Requirement {
      values = VirtualIpSpec.copy(values);
    }
  }

  /** The operators of a Kubernetes label selector. */
  public enum Operator {
    /** The label has one of the values. */
    In,
    /** The label is absent or has none of the values. */
    NotIn,
    /** The label is there. */
    Exists,
    /** The label is absent. */
    DoesNotExist
  }

  /** Whether nothing is asked for. */
  @JsonIgnore
  public boolean isEmpty() {
    return matchLabels.isEmpty() && matchExpressions.isEmpty();
  }

  /** The parts in the syntax of {@code kubectl -l}: labels by name, then the expressions. */
  public Stream<String> terms() {
    var labels = matchLabels.entrySet().stream().map(l -> l.getKey() + "=" + l.getValue());
    return Stream.concat(labels.sorted(), matchExpressions.stream().map(LabelSelector::term));
  }

  private static String term(Requirement requirement) {
    var values = String.join(",", requirement.values());
    return switch (requirement.operator()) {
      case In -> requirement.key() + " in (" + values + ")";
      case NotIn -> requirement.key() + " notin (" + values + ")";
      case Exists -> requirement.key();
      case DoesNotExist -> "!" + requirement.key();
    };
  }

  /** Whether these labels match. */
  public boolean matches(Map<String, String> labels) {
    return matchLabels.entrySet().stream()
            .allMatch(label -> label.getValue().equals(labels.get(label.getKey())))
        && matchExpressions.stream().allMatch(requirement -> matches(requirement, labels));
  }

  private static boolean matches(Requirement requirement, Map<String, String> labels) {
    var value = labels.get(requirement.key());
    return switch (requirement.operator()) {
      case In -> value != null && requirement.values().contains(value);
      case NotIn -> value == null || !requirement.values().contains(value);
      case Exists -> value != null;
      case DoesNotExist -> value == null;
    };
  }
}
