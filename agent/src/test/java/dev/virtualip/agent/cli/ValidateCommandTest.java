package dev.virtualip.agent.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class ValidateCommandTest {
  private static final String NODE =
      "---\n{apiVersion: v1, kind: Node, metadata: {name: n, labels: {edge: \"no\"}}}\n";

  @TempDir Path directory;

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private static String vip(String name, String spec) {
    return """
    ---
    apiVersion: virtualip.dev/v1alpha1
    kind: VirtualIP
    metadata: {name: %s}
    spec: {%s}
    """
        .formatted(name, spec);
  }

  private static String good(int n) {
    return "vrid: %d, interface: lo, addresses: [{address: 203.0.113.%d/24}]".formatted(n, n);
  }

  private void write(String file, String... documents) throws IOException {
    Files.writeString(directory.resolve(file), String.join("", documents));
  }

  private int validate(String... arguments) {
    return new CommandLine(new ValidateCommand())
        .setOut(new PrintWriter(out))
        .setErr(new PrintWriter(err))
        .execute(arguments);
  }

  /** The lines on standard output, file names without the directory. */
  private List<String> lines() {
    return out.toString().replace(directory + "/", "").lines().toList();
  }

  @Test
  void goodFilesAreOk() throws IOException {
    write("a.yaml", vip("a", good(1)), vip("b", good(2)));
    write("b.yml", vip("c", good(3)));
    assertEquals(0, validate(directory.toString()), err::toString);
    assertEquals(List.of("ok: 3 VirtualIPs in 2 files"), lines());
    assertEquals("", err.toString());
  }

  /** Each by itself in a cluster of its own is not all: somebody applies the whole folder. */
  @Test
  void theSamplesGoTogether() {
    assertEquals(0, validate("../samples"), out::toString);
  }

  /** Apart, for it is no manifest of the cluster; so is the static pod beside it. */
  @Test
  void theControlPlanesSampleIsGood() {
    assertEquals(0, validate("../samples/20-control-plane/virtualip.yaml"), out::toString);
  }

  /** Apart too: with its pool, all VirtualIPs have to fit into one. */
  @Test
  void theSampleOfAPoolIsGood() {
    assertEquals(0, validate("../samples/22-services/services.yaml"), out::toString);
  }

  @Test
  void allProblemsOfAllFilesArePrintedSorted() throws IOException {
    write("b.yaml", vip("b", good(1)), vip("a", good(2) + ", vridd: 3, priority: \"9\""));
    write("c.yaml", vip("c", good(300)), vip("d", good(1)), "---\na: [\n");
    write("a.yaml", vip("a", good(4)));
    assertEquals(1, validate(directory.toString()));
    assertEquals(
        List.of(
            "b.yaml: VirtualIP/a: metadata.name: stands in a.yaml already: rename one of the two",
            "b.yaml: VirtualIP/a: spec.priority: is \"9\": write a whole number without quotes",
            "b.yaml: VirtualIP/a: spec.vridd: unknown field; did you mean vrid?",
            "c.yaml: line 12, column 5: expected the node content, but found '<stream end>'",
            "c.yaml: VirtualIP/c: spec.addresses[0].address: \"203.0.113.300\" is not an IPv4"
                + " address: write four numbers, as in 203.0.113.10",
            "c.yaml: VirtualIP/c: spec.vrid: 300 is not a VRID: use 1 to 255",
            "c.yaml: VirtualIP/d: spec.addresses[0].address: 203.0.113.1 is taken by VirtualIP b:"
                + " remove it from one of the two",
            "c.yaml: VirtualIP/d: spec.vrid: 1 on lo is taken by VirtualIP b: use another VRID, NIC"
                + " or set of nodes",
            "8 problems"),
        lines());
  }

  @Test
  void aVirtualIpOutsideOfTheirPoolsIsAProblem() throws IOException {
    var pool =
        """
        ---
        apiVersion: virtualip.dev/v1alpha1
        kind: VirtualIPPool
        metadata: {name: %s}
        spec: {addresses: [%s]}
        """;
    write("a.yaml", vip("a", good(1)), vip("b", good(2)), pool.formatted("p", "203.0.113.1"));
    assertEquals(1, validate(directory.toString()));
    assertEquals(
        List.of(
            "a.yaml: VirtualIP/b: spec.addresses[0].address: 203.0.113.2/24 is outside of"
                + " VirtualIPPool p, which allows 203.0.113.1",
            "1 problem"),
        lines());
  }

  @Test
  void problemsOfAPoolArePrinted() throws IOException {
    write(
        "p.yaml",
        "{apiVersion: virtualip.dev/v1alpha1, kind: VirtualIPPool, metadata: {name: p},",
        " spec: {addresses: [203.0.113.1/24]}}");
    assertEquals(1, validate(directory.toString()));
    assertEquals(
        "p.yaml: VirtualIPPool/p: spec.addresses[0]: \"203.0.113.1/24\" has bits behind its prefix:"
            + " write 203.0.113.0/24, or the address alone",
        lines().getFirst());
  }

  @Test
  void whatFollowsFromAnUnreadableFieldIsNotPrinted() throws IOException {
    write("a.yaml", vip("a", "vrid: \"1\", interface: lo, addresses: 203.0.113.1/24"));
    assertEquals(1, validate(directory.resolve("a.yaml").toString()));
    assertEquals("2 problems", lines().getLast());
  }

  @Test
  void aSelectorThatMatchesNoNodeIsAProblem() throws IOException {
    write(
        "a.yaml", vip("a", good(1) + ", nodes: {selector: {matchLabels: {edge: \"yes\"}}}"), NODE);
    assertEquals(1, validate(directory.toString()));
    assertEquals(
        "a.yaml: VirtualIP/a: spec.nodes.selector: matches none of the 1 nodes; label a node, as"
            + " in kubectl label node NAME edge=yes, or change the selector",
        lines().getFirst());
  }

  /** A third node is no more than the first by chance. */
  @Test
  void nodesOfEqualPriorityAreANote() throws IOException {
    var overrides = ", nodes: {overrides: [{name: n, priority: 100}, {name: m, priority: 80}]}";
    write("a.yaml", vip("a", good(1) + overrides));
    assertEquals(0, validate(directory.toString()), out::toString);
    assertEquals(
        "note: VirtualIP/a: spec.priority: n and every other node have equal priority 100: the"
            + " first to be master stays it, of several at once the one with the greater address",
        err.toString().strip());
    err.getBuffer().setLength(0);
    write("nodes.yaml", NODE, NODE.replace("name: n", "name: m"));
    assertEquals(0, validate(directory.toString()), out::toString);
    assertEquals("", err.toString());
    write("more.yaml", NODE.replace("name: n", "name: o"));
    assertEquals(0, validate(directory.toString()), out::toString);
    assertTrue(err.toString().contains("n and o have equal priority 100"), err::toString);
  }

  @Test
  void theSamplesLeaveNoPriorityToChance() {
    assertEquals(0, validate("../samples"), out::toString);
    assertFalse(err.toString().contains("equal priority"), err::toString);
  }

  @Test
  void anAddressThatANodeHasForItsOwnIsAProblem() throws IOException {
    var status = "{addresses: [{type: InternalIP, address: 203.0.113.1}]}";
    write("a.yaml", vip("a", good(1)), NODE.replace("}}\n", "}, status: " + status + "}\n"));
    assertEquals(1, validate(directory.toString()));
    assertEquals(
        "a.yaml: VirtualIP/a: spec.addresses[0].address: 203.0.113.1 is the InternalIP of Node n:"
            + " use an address that no host has",
        lines().getFirst());
  }

  @Test
  void ipv6AdvertsWithoutALinkLocalAddressAreANote() throws IOException {
    var spec = "vrid: %d, interface: lo, addresses: [%s{address: '2001:db8::1/64'}]";
    write(
        "a.yaml",
        vip("a", spec.formatted(1, "")),
        vip("b", spec.formatted(2, "{address: 'fe80::2/64'}, ").replace("::1", "::2")));
    assertEquals(0, validate(directory.toString()), out::toString);
    assertEquals(
        "note: VirtualIP/a: spec.addresses: RFC 9568 wants a link-local address in IPv6 adverts, as"
            + " in fe80::1/64",
        err.toString().strip());
  }

  /** Whoever does not say which node this is may be a machine of CI. */
  @Test
  void aMissingNicIsAProblemOfANodeAlone() throws IOException {
    write(
        "a.yaml",
        vip(
            "a",
            "vrid: 1, interface: no0, addresses: [{address: 203.0.113.1/24, interface: no1}],"
                + " routes: [{to: 10.0.0.0/8, interface: no2}],"
                + " nodes: {overrides: [{name: m}, {name: n, interface: no3}]}"));
    var file = directory.resolve("a.yaml").toString();
    assertEquals(0, validate(file));
    assertEquals(List.of("ok: 1 VirtualIP in 1 file"), lines());
    assertFalse(err.toString().contains("NIC"), err::toString);
    out.getBuffer().setLength(0);
    assertEquals(1, validate("--node", "n", file));
    var paths = lines().stream().map(line -> line.replaceAll(": no NIC.*", "")).toList();
    assertEquals(
        List.of(
            "a.yaml: VirtualIP/a: spec.addresses[0].interface",
            "a.yaml: VirtualIP/a: spec.nodes.overrides[1].interface",
            "a.yaml: VirtualIP/a: spec.routes[0].interface",
            "3 problems"),
        paths);
  }

  @Test
  void aMissingTrackedNicIsAProblemWhereItWouldBeAFault() throws IOException {
    write(
        "a.yaml", vip("a", good(1) + ", trackInterfaces: [{name: no1}, {name: no2, weight: -10}]"));
    assertEquals(1, validate("--node", "n", directory + "/a.yaml"));
    assertTrue(lines().getFirst().contains("spec.trackInterfaces[0].name: no NIC no1"));
    assertEquals("1 problem", lines().get(1));
  }

  @Test
  void nicsOfANodeThatIsNotSelectedDoNotMatter() throws IOException {
    write(
        "a.yaml",
        vip("a", good(1).replace("lo", "no0") + ", nodes: {selector: {matchLabels: {x: y}}}"),
        NODE,
        NODE.replace("name: n,", "name: m,").replace("edge", "x").replace("\"no\"", "\"y\""));
    assertEquals(0, validate("--node", "n", directory.toString()), out::toString);
    assertEquals(1, validate("--node", "m", directory.toString()));
  }

  @Test
  void whatIsNotThereIsAUsageError() {
    assertEquals(2, validate(directory.resolve("no.yaml").toString()));
    assertTrue(err.toString().startsWith("no file or directory "), err::toString);
    assertEquals(2, validate(directory.toString()));
    assertEquals(2, validate());
  }

  @Test
  void commandsHaveToBeThereAndMayBeLookedFor() throws IOException {
    write("a.yaml", vip("a", good(1) + ", notifications: {exec: {command: [send.sh]}}"));
    assertEquals(0, validate(directory + "/a.yaml"), out::toString);
    assertEquals(1, validate("--scripts", directory.toString(), directory + "/a.yaml"));
    assertEquals(
        "a.yaml: VirtualIP/a: spec.notifications.exec.command: there is no send.sh: put it there or"
            + " correct the command",
        lines().get(1));
  }
}
