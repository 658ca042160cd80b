package dev.virtualip.e2e;

import dev.virtualip.crds.values.Durations;
import dev.virtualip.crds.values.InterfaceSelector;
import dev.virtualip.e2e.lab.Lab;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceColumnDefinition;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinition;
import io.fabric8.kubernetes.api.model.apiextensions.v1.JSONSchemaProps;
import io.fabric8.kubernetes.api.model.apiextensions.v1.ValidationRule;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;

/** The page docs/api.md: a table for each object of the CRDs, with its rules below. */
final class ApiPage {
  /** Kinds of strings that the page names instead of repeating their patterns. */
  private static final Map<String, String> NAMED =
      Map.of(Durations.PATTERN, "duration", InterfaceSelector.PATTERN, "NIC");

  private final StringBuilder page = new StringBuilder();

  private ApiPage() {}

  private static CustomResourceDefinition crd(String plural) throws IOException {
    return Serialization.unmarshal(
        Files.readString(Lab.root().resolve("crds/" + plural + ".virtualip.dev.yaml")),
        CustomResourceDefinition.class);
  }

  static String text() throws IOException {
    var crd = crd("virtualips");
    var version = crd.getSpec().getVersions().getFirst();
    var schema = version.getSchema().getOpenAPIV3Schema();
    var api = new ApiPage();
    api.page.append(
        """
        # API reference

        Generated from the CRD by `make docs`; do not edit. `kubectl explain vip.spec` says the same.

        `apiVersion: %s/%s`, `kind: %s`, short name `%s`, %s-scoped.
        %s

        A *duration* is a number with a unit, or several of these: `100ms`, `1s`, `1m30s`; the units are
        `ms`, `s`, `m`, `h`. A *NIC* is the name or altname of a network interface, a glob over names
        such as `enp*s0`, or the prefix that its address is in, such as `10.0.0.0/24`. A `[]` stands for
        each element of a list, `{}` for each value of a map.

        API servers from 1.25 on check the rules below the tables themselves. Operator and agents check
        them on every version, and beyond them what a schema can't say:
        `virtualip-agent validate FILE...` prints all of it before a file is applied.

        """
            .formatted(
                crd.getSpec().getGroup(),
                version.getName(),
                crd.getSpec().getNames().getKind(),
                crd.getSpec().getNames().getShortNames().getFirst(),
                crd.getSpec().getScope().toLowerCase(),
                schema.getDescription()));
    api.object("spec", schema.getProperties().get("spec"));
    api.object("status", schema.getProperties().get("status"));
    api.columns("vip", version.getAdditionalPrinterColumns());
    api.pools(crd("virtualippools"));
    return api.page.toString();
  }

  private void pools(CustomResourceDefinition crd) {
    var version = crd.getSpec().getVersions().getFirst();
    var schema = version.getSchema().getOpenAPIV3Schema();
    var names = crd.getSpec().getNames();
    page.append(
        """

        # %s

        The same `apiVersion`, `kind: %s`, short name `%s`, %s-scoped. %s See [pools](pools.md).

        """
            .formatted(
                names.getKind(),
                names.getKind(),
                names.getShortNames().getFirst(),
                crd.getSpec().getScope().toLowerCase(),
                schema.getDescription()));
    object("pool.spec", schema.getProperties().get("spec"));
    object("pool.status", schema.getProperties().get("status"));
    columns(names.getShortNames().getFirst(), version.getAdditionalPrinterColumns());
  }

  /** One object's section, and then those of the objects in it. */
  private void object(String path, JSONSchemaProps object) {
    page.append("## ").append(path).append("\n\n");
    page.append("| field | type | default | values | meaning |\n| --- | --- | --- | --- | --- |\n");
    object.getProperties().forEach((name, field) -> row(path, object, name, field));
    page.append('\n');
    rules(object);
    object
        .getProperties()
        .forEach(
            (name, field) -> {
              var inner = inner(field);
              if (inner.getProperties() != null && !inner.getProperties().isEmpty()) {
                object(path + "." + name + suffix(field), inner);
              }
            });
  }

  private void row(String path, JSONSchemaProps object, String name, JSONSchemaProps field) {
    var inner = inner(field);
    var type = typeOf(inner);
    if (type.equals("object") && !inner.getProperties().isEmpty()) {
      type = "[object](#%s)".formatted(Links.anchor(path + "." + name + suffix(field)));
    }
    boolean required = object.getRequired() != null && object.getRequired().contains(name);
    var meaning = field.getDescription() == null ? "" : field.getDescription();
    page.append(
        "| `%s` | %s | %s | %s | %s |\n"
            .formatted(
                name,
                type + suffix(field),
                required
                    ? "**required**"
                    : field.getDefault() == null ? "" : code(field.getDefault().asText()),
                String.join(", ", values(field, inner)),
                meaning.replace("|", "\\|")));
  }

  /** The rules of an object, and those of its fields that are no objects. */
  private void rules(JSONSchemaProps object) {
    var rules = new ArrayList<>(rulesOf(object));
    object.getProperties().values().stream()
        .filter(field -> !"object".equals(field.getType()))
        .forEach(field -> rules.addAll(rulesOf(field)));
    if (rules.isEmpty()) {
      return;
    }
    page.append("Rules, by the message of a breach:\n\n");
    rules.stream()
        .map(r -> "- %s\\\n  `%s`\n".formatted(r.getMessage(), r.getRule()))
        .distinct()
        .forEach(page::append);
    page.append('\n');
  }

  private static List<ValidationRule> rulesOf(JSONSchemaProps schema) {
    return Objects.requireNonNullElse(schema.getXKubernetesValidations(), List.of());
  }

  private static List<String> values(JSONSchemaProps field, JSONSchemaProps inner) {
    var values = new ArrayList<String>();
    if (inner.getEnum() != null) {
      inner.getEnum().forEach(value -> values.add(code(value.asText())));
    }
    if (inner.getMinimum() != null) {
      values.add(range(inner.getMinimum(), inner.getMaximum(), ""));
    }
    if (field.getMaxItems() != null) {
      values.add(range(field.getMinItems(), field.getMaxItems(), " of them"));
    }
    if (inner.getMaxLength() == null && inner.getMinLength() != null) {
      values.add("not empty");
    } else if (inner.getMaxLength() != null) {
      values.add(range(inner.getMinLength(), inner.getMaxLength(), " characters"));
    }
    if (typeOf(inner).equals("string") && inner.getPattern() != null) {
      values.add(code(inner.getPattern().replace("|", "\\|")));
    }
    return values;
  }

  private static String range(Number min, Number max, String of) {
    return max == null
        ? plain(min) + of + " or more"
        : min == null ? "up to " + plain(max) + of : plain(min) + " to " + plain(max) + of;
  }

  private static String plain(Number number) {
    return new BigDecimal(number.toString()).stripTrailingZeros().toPlainString();
  }

  private static String code(String text) {
    return "`" + text + "`";
  }

  private static String typeOf(JSONSchemaProps field) {
    return NAMED.getOrDefault(Objects.requireNonNullElse(field.getPattern(), ""), field.getType());
  }

  /** The schema of what a list or map holds, else the field's own. */
  private static JSONSchemaProps inner(JSONSchemaProps field) {
    if (field.getItems() != null) {
      return field.getItems().getSchema();
    }
    return field.getAdditionalProperties() == null
        ? field
        : field.getAdditionalProperties().getSchema();
  }

  private static String suffix(JSONSchemaProps field) {
    return field.getItems() != null ? "[]" : field.getAdditionalProperties() == null ? "" : "{}";
  }

  private void columns(String shortName, List<CustomResourceColumnDefinition> columns) {
    page.append(
        "## Columns of kubectl get %s\n\n| column | shows |\n| --- | --- |\n".formatted(shortName));
    page.append(
        columns.stream()
            .map(
                c ->
                    "| %s%s | `%s` |\n"
                        .formatted(
                            c.getName().toUpperCase(),
                            c.getPriority() != null ? ", with `-o wide`" : "",
                            c.getJsonPath()))
            .collect(Collectors.joining()));
  }
}
