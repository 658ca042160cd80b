package dev.virtualip.agent.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

class RunOptionsTest {
  /** Else the agent of such a command line would start more slowly, and nobody would notice. */
  @Test
  void eachOptionThatPicocliKnowsIsReadWithoutItToo() {
    var names = new HashSet<String>();
    for (var option : specs(new RunOptions())) {
      boolean flag = option.arity().max() == 0;
      var name = option.longestName();
      var value = flag ? List.of(name) : List.of(name, "value");
      var joined = flag ? value : List.of(name + "=value");
      for (var arguments : List.of(value, joined)) {
        var options = new RunOptions();
        assertTrue(PlainOptions.read(arguments, options), name);
        assertEquals(values(byPicocli(arguments)), values(options), name);
      }
      names.add(name);
    }
    assertTrue(names.containsAll(List.of("--node", "--state-dir", "--second")), names::toString);
  }

  @Test
  void optionsThatAreNotGivenHaveTheValuesThatPicocliTells() {
    var options = RunOptions.plain(List.of("--node=n"));
    assertEquals(values(byPicocli(List.of("--node=n"))), values(options));
    assertEquals("virtualip-system", options.namespace());
    assertEquals("127.0.0.1:9405", options.listen());
  }

  @Test
  void aDaemonSetsCommandLineIsRead() {
    var options =
        RunOptions.plain(
            List.of("--node=node-a", "--state-dir=/var/lib/virtualip", "--scripts", "/tmp"));
    assertEquals("node-a", options.nodeName());
    assertEquals(Path.of("/var/lib/virtualip"), options.stateDir());
    assertEquals(Path.of("/tmp"), options.scripts());
  }

  /** It tells what is wrong with them, or that nothing is. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "--help",
        "--node",
        "--node=",
        "--node --second",
        "--node=a --node=b",
        "--node=a --second=true",
        "--node=a extra",
        "--node=a --lsten=1.2.3.4:5",
        "--node=a --listen=localhost:9405",
        "--node=a --metrics=9405",
        "--node=a --secrets=/tmp",
        "--node=a --manifests=/tmp --kubeconfig=/tmp/k",
        "--node=a --scripts=/nowhere",
        "--node=a --second"
      })
  void allElseIsLeftToPicocli(String arguments) {
    assertNull(RunOptions.plain(arguments.isEmpty() ? List.of() : List.of(arguments.split(" "))));
  }

  @Test
  void aProblemSaysWhatToDo() {
    assertEquals(
        "--listen here: give an IP address and a port, as in 127.0.0.1:9405",
        byPicocli(List.of("--node=n", "--listen=here")).problem());
    assertNotNull(byPicocli(List.of("--node=n", "--second")).problem());
    assertNull(byPicocli(List.of("--node=n", "--listen=[::1]:9405")).problem());
  }

  @Test
  void anOptionTwiceIsRefused() {
    assertFalse(PlainOptions.read(List.of("--second", "--second"), new RunOptions()));
  }

  private static List<OptionSpec> specs(RunOptions options) {
    return new CommandLine(options).getCommandSpec().options();
  }

  private static RunOptions byPicocli(List<String> arguments) {
    var options = new RunOptions();
    var given = new ArrayList<>(arguments);
    if (given.stream().noneMatch(argument -> argument.startsWith("--node"))) {
      given.addAll(List.of("--node", "value"));
    }
    new CommandLine(options).parseArgs(given.toArray(String[]::new));
    return options;
  }

  private static List<Object> values(RunOptions options) {
    var values = new ArrayList<Object>();
    for (var option : specs(options)) {
      values.add(option.longestName().equals("--node") ? "" : option.getValue());
    }
    return values;
  }
}
