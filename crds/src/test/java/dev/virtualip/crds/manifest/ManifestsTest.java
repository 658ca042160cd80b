package dev.virtualip.crds.manifest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.crds.schema.InitialState;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ManifestsTest {
  private static final Path FILE = Path.of("f.yaml");
  private static final String GOOD =
      """
      apiVersion: virtualip.dev/v1alpha1
      kind: VirtualIP
      metadata: {name: web}
      spec:
        vrid: 77
        interface: eth0
        addresses: [{address: 203.0.113.10/24}]
      """;

  private static List<String> problems(String text) {
    return Manifests.parse(FILE, text).problems().stream().map(Object::toString).toList();
  }

  @Test
  void manyDocumentsOfManyKindsAreRead() {
    var parsed =
        Manifests.parse(
            FILE,
            """
            # a comment alone is no object
            ---
            %s  initialState: Master
            status: {master: x, whatever: 1}
            ---
            ---
            apiVersion: v1
            kind: Secret
            metadata: {name: s}
            ---
            apiVersion: v1
            kind: Node
            metadata: {name: n, labels: {edge: "true"}}
            ---
            apiVersion: v1
            kind: List
            items:
            - {apiVersion: virtualip.dev/v1alpha1, kind: VirtualIP, metadata: {name: b}, spec: \
            {vrid: 1}}
            """
                .formatted(GOOD));
    assertEquals(List.of(), parsed.problems());
    assertTrue(parsed.complete());
    assertEquals(2, parsed.virtualIps().size());
    assertEquals(77, parsed.virtualIps().getFirst().getSpec().vrid());
    assertEquals(InitialState.Master, parsed.virtualIps().getFirst().getSpec().initialState());
    assertEquals("true", parsed.nodes().getFirst().getMetadata().getLabels().get("edge"));
  }

  @Test
  void jsonIsRead() {
    var json =
        """
        {"apiVersion": "virtualip.dev/v1alpha1", "kind": "VirtualIP",
        \t"metadata": {"name": "web"}, "spec": {"vrid": 7}}
        """;
    var parsed = Manifests.parse(Path.of("f.json"), json);
    assertEquals(List.of(), parsed.problems());
    assertEquals(7, parsed.virtualIps().getFirst().getSpec().vrid());
  }

  @Test
  void anAliasIsAProblem() {
    assertEquals(
        List.of("f.yaml: VirtualIP/web: line 7, column 53: alias *nic: write the value out"),
        problems(GOOD.replace("eth0", "&nic eth9").replace("/24}", "/24, interface: *nic}")));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          vridd: 7 | spec.vridd: unknown field; did you mean vrid?
          Priority: 7 | spec.Priority: unknown field; did you mean priority?
          preempt: {delai: 1s} | spec.preempt.delai: unknown field; did you mean delay?
          routes: [{to: default, via: 10.0.0.1, foo: 1}] | spec.routes[0].foo: unknown field; the \
          fields here are interface, metric, onLink, source, table, to, via
          priority: "100" | spec.priority: is "100": write a whole number without quotes
          priority: 1.5 | spec.priority: is 1.5: write a whole number without quotes
          priority: high | spec.priority: is "high": write a whole number without quotes
          priority: 99999999999 | spec.priority: is 99999999999: write a smaller number
          priority: [1] | spec.priority: is a list: write a whole number without quotes
          advertInterval: 1 | spec.advertInterval: is 1: write a text, in quotes if it looks like \
          a number
          initialState: backup | spec.initialState: is "backup": write Backup or Master
          preempt: {enabled: "yes"} | spec.preempt.enabled: is "yes": write true or false
          preempt: later | spec.preempt: is "later": write fields below it
          authentication: secret | spec.authentication: is "secret": write fields below it
          routes: {to: default} | spec.routes: is a set of fields: write a list
          routes: [default] | spec.routes[0]: is "default": write fields below it
          nodes: {selector: {matchLabels: {edge: true}}} | spec.nodes.selector.matchLabels.edge: \
          is true: write a text, in quotes if it looks like a number
          nodes: {selector: {matchExpressions: [{key: a, operator: in}]}} | \
          spec.nodes.selector.matchExpressions[0].operator: is "in": write In or NotIn or Exists \
          or DoesNotExist
          nodes: {selector: {matchExpressions: [{key: a, operator: In, values: [1]}]}} | \
          spec.nodes.selector.matchExpressions[0].values[0]: is 1: write a text, in quotes if it \
          looks like a number
          """)
  void aBadFieldHasOneProblem(String field, String problem) {
    assertEquals(
        List.of("f.yaml: VirtualIP/web: " + problem), problems(GOOD + "  " + field + "\n"));
  }

  @Test
  void everyProblemIsNamed() {
    var text = GOOD + "  vridd: 1\n  priority: x\n  routes: [1, {to: 1}]\nextra: 1\n";
    assertEquals(
        List.of(
            "f.yaml: VirtualIP/web: extra: unknown field; the fields here are apiVersion, kind,"
                + " metadata, spec, status",
            "f.yaml: VirtualIP/web: spec.priority: is \"x\": write a whole number without quotes",
            "f.yaml: VirtualIP/web: spec.routes[0]: is 1: write fields below it",
            "f.yaml: VirtualIP/web: spec.routes[1].to: is 1: write a text, in quotes if it looks"
                + " like a number",
            "f.yaml: VirtualIP/web: spec.vridd: unknown field; did you mean vrid?"),
        problems(text).stream().sorted().toList());
  }

  @Test
  void twiceTheSameKeyIsAProblem() {
    assertEquals(
        List.of("f.yaml: VirtualIP/web: line 8, column 3: vrid stands twice: remove one"),
        problems(GOOD + "  vrid: 78\n"));
  }

  @Test
  void badYamlIsAProblemWithItsLineAndKeepsWhatCameBefore() {
    var parsed = Manifests.parse(FILE, GOOD + "---\nkind: [\nfoo: bar\n");
    assertFalse(parsed.complete());
    assertEquals(1, parsed.virtualIps().size());
    assertEquals(1, parsed.problems().size());
    assertTrue(
        parsed
            .problems()
            .getFirst()
            .toString()
            .startsWith("f.yaml: line 11, column 1: expected ',' or ']'"),
        parsed.problems()::toString);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          virtualip.dev/v1alpha1 | virtualip.dev/v1 | apiVersion: is virtualip.dev/v1: write \
          virtualip.dev/v1alpha1
          virtualip.dev/v1alpha1 | v1               | apiVersion: is v1: write \
          virtualip.dev/v1alpha1
          kind: VirtualIP        | kind: VirtualIp  | kind: is VirtualIp: write VirtualIP
          kind: VirtualIP        | kind: VIP        | kind: is VIP: write VirtualIP
          name: web              | name: Web_1      | metadata.name: "Web_1" cannot name an \
          object: use a-z, 0-9, - and ., as in web-1
          {name: web}            | {labels: {}}     | metadata.name: is missing: give the \
          VirtualIP a name
          {name: web}            | {name: web, lables: {}} | metadata.lables: unknown field; did \
          you mean labels?
          """)
  void aBadHeadIsAProblem(String part, String bad, String problem) {
    var problems = problems(GOOD.replace(part, bad));
    assertEquals(1, problems.size(), problems::toString);
    assertTrue(problems.getFirst().endsWith(": " + problem), problems::toString);
  }

  @Test
  void whatIsNoObjectIsAProblem() {
    assertEquals(
        List.of("f.yaml: is no Kubernetes object: it needs apiVersion, kind and metadata"),
        problems("just a text\n"));
  }
}
