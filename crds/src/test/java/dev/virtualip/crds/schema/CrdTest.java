package dev.virtualip.crds.schema;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fabric8.crdv2.generator.CRDGenerator;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceColumnDefinition;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceConversionBuilder;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinition;
import io.fabric8.kubernetes.api.model.apiextensions.v1.JSONSchemaProps;
import io.fabric8.kubernetes.client.CustomResource;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The committed CRDs are what the types say. {@code -Dcrd.rewrite=true} writes them anew. */
class CrdTest {
  /** A kind of object, with what the generator cannot know. */
  enum Crd {
    VIRTUAL_IPS(
        VirtualIp.class,
        "Virtual IP addresses and routes that live on exactly one of the selected nodes.",
        "What is, as the agents and the operator have found it; not to be edited.",
        List.of(
            "Address",
            "VRID",
            "Master",
            "Ready",
            "Age",
            "Interface",
            "Backups",
            "Transitions",
            "Reason")),
    POOLS(
        VirtualIpPool.class,
        "What VirtualIPs may use. Where there is any pool, one that fits into none does not run.",
        "What is in use, as the operator has found it; not to be edited.",
        List.of("Addresses", "VRIDs", "Used", "Free", "Accepted", "Age", "Interfaces", "Used by"));

    final Class<? extends CustomResource<?, ?>> type;
    final String description;
    final String ofStatus;
    final List<String> columns;

    Crd(
        Class<? extends CustomResource<?, ?>> type,
        String description,
        String ofStatus,
        List<String> columns) {
      this.type = type;
      this.description = description;
      this.ofStatus = ofStatus;
      this.columns = columns;
    }

    String fullName() {
      return CustomResource.getCRDName(type);
    }

    Path committed() {
      return Path.of(fullName() + ".yaml");
    }
  }

  private static final Map<String, String> CONDITION =
      Map.of(
          "type", "Name of the condition.",
          "status", "True, False, or Unknown where it can't be told.",
          "reason", "Why, in one word for programs.",
          "message", "Why, for people: what is wrong and what to do.",
          "observedGeneration", "Generation of the spec that it is about.",
          "lastTransitionTime", "When status last changed, RFC 3339 in UTC.");

  /**
   * Lists whose items have a key, and the key: an API server merges their items by it, so that two
   * who apply may each have items or fields of their own.
   */
  private static final Map<String, String> KEYS =
      Map.of(
          "spec.addresses", "address",
          "spec.healthChecks", "name",
          "spec.nodes.overrides", "name",
          "spec.notifications.webhook.headers", "name",
          "spec.trackInterfaces", "name",
          "spec.virtualServers", "name",
          "spec.virtualServers[].checks", "name");

  @ParameterizedTest
  @EnumSource
  void committedCrdIsWhatTheTypesGenerate(Crd of, @TempDir Path dir) throws IOException {
    var generated = generate(of, dir);
    if (Boolean.getBoolean("crd.rewrite")) {
      Files.writeString(of.committed(), generated);
    }
    assertEquals(
        generated,
        Files.readString(of.committed()),
        () -> "crds/" + of.committed() + " is out of date: run `make crd` and commit it");
  }

  private static String generate(Crd of, Path dir) throws IOException {
    new CRDGenerator().customResourceClasses(of.type).inOutputDir(dir.toFile()).generate();
    var crd =
        Serialization.unmarshal(
            Files.readString(dir.resolve(of.fullName() + "-v1.yml")),
            CustomResourceDefinition.class);
    var version = crd.getSpec().getVersions().getFirst();
    // The generator sorts columns by path, can't describe or require spec and status, and knows no
    // descriptions of Kubernetes' own conditions.
    version
        .getAdditionalPrinterColumns()
        .sort(
            Comparator.comparing(
                (CustomResourceColumnDefinition c) -> of.columns.indexOf(c.getName())));
    var schema = version.getSchema().getOpenAPIV3Schema();
    schema.setRequired(List.of("spec"));
    schema.setDescription(of.description);
    var parts = schema.getProperties();
    parts.get("spec").setDescription("What is wanted. Nothing in virtualip writes to it.");
    parts.get("status").setDescription(of.ofStatus);
    var condition =
        parts
            .get("status")
            .getProperties()
            .get("conditions")
            .getItems()
            .getSchema()
            .getProperties();
    CONDITION.forEach((field, text) -> condition.get(field).setDescription(text));
    if (of == Crd.VIRTUAL_IPS) {
      KEYS.forEach(
          (path, key) -> {
            var list = property(schema, path);
            list.setXKubernetesListType("map");
            list.setXKubernetesListMapKeys(List.of(key));
          });
    }
    return "# Generated from the types in crds/src by `make crd`; do not edit.\n"
        + Serialization.asYaml(stored(crd)).replaceFirst("^---\n", "");
  }

  private static JSONSchemaProps property(JSONSchemaProps schema, String path) {
    for (var name : path.split("[.]")) {
      schema =
          name.endsWith("[]")
              ? property(schema, name.replace("[]", "")).getItems().getSchema()
              : schema.getProperties().get(name);
    }
    return schema;
  }

  /**
   * The CRD as an API server stores it: with what it fills in, without what it leaves out, and
   * whole numbers as such. Else each apply would find a difference, and one by somebody else a
   * conflict.
   */
  private static JsonNode stored(CustomResourceDefinition crd) {
    var spec = crd.getSpec();
    spec.getNames().setListKind(spec.getNames().getKind() + "List");
    spec.setConversion(new CustomResourceConversionBuilder().withStrategy("None").build());
    for (var column : spec.getVersions().getFirst().getAdditionalPrinterColumns()) {
      column.setPriority(column.getPriority() == 0 ? null : column.getPriority());
    }
    JsonNode tree = new KubernetesSerialization().convertValue(crd, ObjectNode.class);
    tree.findValues("x-kubernetes-validations").forEach(CrdTest::eachOnce);
    tree.findParents("maximum").forEach(CrdTest::wholeNumbers);
    tree.findParents("minimum").forEach(CrdTest::wholeNumbers);
    return tree;
  }

  /**
   * The generator finds the rule of a record's component twice: at its field and at its accessor.
   */
  private static void eachOnce(JsonNode rules) {
    var distinct = new LinkedHashSet<>(rules.valueStream().toList());
    ((ArrayNode) rules).removeAll().addAll(distinct);
  }

  private static void wholeNumbers(JsonNode schema) {
    for (var field : List.of("minimum", "maximum")) {
      if (schema.path(field).isNumber()) {
        ((ObjectNode) schema).put(field, schema.path(field).longValue());
      }
    }
  }

  /** Who applies a manifest again would find a list that an API server has changed. */
  @ParameterizedTest
  @EnumSource
  void itemsOfListsHaveNoDefaults(Crd of) throws IOException {
    var crd = Serialization.unmarshal(Files.readString(of.committed()), JsonNode.class);
    for (var items : crd.findValues("items")) {
      assertEquals(List.of(), items.findValues("default"), items::toString);
    }
  }
}
