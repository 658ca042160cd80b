package dev.virtualip.vip;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** What lint says of manifests. */
class LintCommandTest {
  private static final String HEAD =
      "apiVersion: virtualip.dev/v1alpha1\nkind: VirtualIP\nmetadata: {name: %s}\nspec:\n"
          + "  interface: eth0\n  addresses: [{address: 203.0.113.%d/24}]\n";

  @TempDir private Path folder;
  private final StringWriter out = new StringWriter();
  private CommandLine command;

  @BeforeEach
  void prepare() {
    command =
        new CommandLine(new LintCommand())
            .setOut(new PrintWriter(out))
            .setErr(new PrintWriter(new StringWriter()));
  }

  private Path write(String name, int host, String rest) throws IOException {
    return Files.writeString(folder.resolve(name + ".yaml"), HEAD.formatted(name, host) + rest);
  }

  @Test
  void goodManifestsAreGood() throws IOException {
    write("a", 10, "  vrid: 1\n  healthChecks: [{name: web, http: {path: /healthz}}]\n");
    assertEquals(0, command.execute(folder.toString()));
    assertEquals(
        """
        budget: VirtualIP/a: from one node to a node with priority 100, at most:
          CAUSE                    DETECTION  DECISION  BIND  ANNOUNCE  TOGETHER
          the agent stops          0 ms       2 ms      4 ms  1 ms      7 ms
          check web: it ends       0 ms       2 ms      4 ms  1 ms      7 ms
          check web: it hangs      2 s        2 ms      4 ms  1 ms      2.01 s
          NIC eth0 down (adverts)  3 s        609 ms    4 ms  1 ms      3.61 s
          the node is lost         3 s        609 ms    4 ms  1 ms      3.61 s
        ok: 1 VirtualIP
        """,
        out.toString());
  }

  @Test
  void theBudgetIsThatOfTheBestNodeAndTheNext() throws IOException {
    write(
        "a",
        10,
        "  vrid: 1\n  priority: 10\n  nodes: {overrides: [{name: n1, priority: 80},"
            + " {name: n2, priority: 100, interface: ens1}]}\n");
    assertEquals(0, command.execute(folder.toString()));
    assertTrue(
        out.toString()
            .contains("budget: VirtualIP/a: from n2 to a node with priority 80, at most:\n"),
        out::toString);
    assertTrue(out.toString().contains("  NIC ens1 down (adverts)  3 s "), out::toString);
  }

  /** The spec's priority is nobody's then: the successor may be the lowest there can be. */
  @Test
  void whereNodesSpreadTheBudgetIsThatOfTheLowestPriorityThatSpreadGives() throws IOException {
    write("a", 10, "  vrid: 1\n  priority: 200\n  nodes: {spread: true}\n");
    assertEquals(0, command.execute(folder.toString()));
    assertTrue(
        out.toString()
            .contains("budget: VirtualIP/a: from one node to a node with priority 11, at most:\n"),
        out::toString);
    assertTrue(
        out.toString().contains("the node is lost         3 s        957 ms "), out::toString);
  }

  @Test
  void aNamedNodeIsTheMasterOnlyAboveAllThatSpreadGives() throws IOException {
    for (int priority : new int[] {250, 251}) {
      write(
          "a",
          10,
          "  vrid: 1\n  nodes: {spread: true, overrides: [{name: n1, priority: %d}]}\n"
              .formatted(priority));
      out.getBuffer().setLength(0);
      assertEquals(0, command.execute(folder.toString()));
      var from = priority == 250 ? "one node" : "n1";
      assertTrue(
          out.toString().contains("from " + from + " to a node with priority 11, "), out::toString);
    }
  }

  @Test
  void problemsAreFoundInAllFilesTogether() throws IOException {
    write("a", 10, "  vrid: 1\n");
    var b = write("b", 11, "  vrid: 1\n");
    assertEquals(1, command.execute(folder.toString()));
    var first = out.toString().lines().findFirst().orElseThrow();
    assertEquals(
        b
            + ": VirtualIP/b: spec.vrid: 1 on eth0 is taken by VirtualIP a: use another VRID, NIC or"
            + " set of nodes",
        first);
  }

  @Test
  void whatCouldBeBetterIsAdvice() throws IOException {
    var file =
        write("a", 10, "  vrid: 1\n  healthChecks: [{name: p, tcp: {port: 80}, timeout: 100ms}]\n");
    assertEquals(0, command.execute(file.toString()));
    assertEquals(
        """
        advice: VirtualIP/a: spec.healthChecks[0]: a proxy that hangs passes a tcp check: ask for a \
        page with http, if it serves one
        advice: VirtualIP/a: spec.healthChecks[0].timeout: below 500ms a busy moment is a failure, \
        and one is enough: use fall: 2, or a longer one
        """,
        out.toString().replaceFirst("(?s)budget: .*", ""));
  }

  @Test
  void aFileThatIsNotThereIsWrongUsage() {
    assertEquals(2, command.execute("/no/such.yaml"));
    assertEquals(2, command.execute(folder.toString()));
    assertEquals(2, command.execute());
  }
}
