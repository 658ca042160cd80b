package dev.virtualip.vip;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class CompletionTest {
  /** All commands and aliases there are. */
  private static Set<String> commands() {
    var commands = new TreeSet<>(VipMain.commandLine().getSubcommands().keySet());
    commands.removeIf(name -> name.startsWith("__"));
    return commands;
  }

  private static Set<String> found(String regex, String text) {
    return Pattern.compile(regex, Pattern.MULTILINE)
        .matcher(text)
        .results()
        .flatMap(match -> Set.of(match.group(1).split(", | ")).stream())
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private static String bash(String script, String line) throws IOException {
    var bash = new ProcessBuilder("bash").redirectErrorStream(true).start();
    try (var in = bash.outputWriter(StandardCharsets.UTF_8)) {
      in.write(script + "\n" + line + "\n");
    }
    return new String(bash.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
  }

  @Test
  void bashCompletesCommandsAndOptions() throws IOException {
    var script = Run.of("completion", "bash").out();
    assertEquals(script, Run.of("completion", "zsh").out());
    var words = "COMP_WORDS=(kubectl-vip dr); COMP_CWORD=1; COMP_LINE='kubectl-vip dr'; ";
    assertEquals(
        "drain drill\n", bash(script, words + "_complete_kubectl-vip; echo \"${COMPREPLY[@]}\""));
  }

  @Test
  void kubectlIsToldWhatMayFollow() {
    assertEquals(new Run(0, "drain\ndrill\n:4\n", ""), Run.of("__complete", "dr"));
    assertEquals("json\nwide\nyaml\n:4\n", Run.of("__complete", "status", "-o", "").out());
    assertEquals("--watch\n:4\n", Run.of("__complete", "status", "--w").out());
    assertTrue(Run.of("completion", "kubectl").out().contains("exec kubectl-vip __complete"));
  }

  @Test
  void fishCompletesEachCommandAndItsOptions() {
    var script = Run.of("completion", "fish").out();
    assertEquals(commands(), found("__fish_use_subcommand -a '([a-z ]+)'", script));
    var lines = script.lines().toList();
    assertTrue(
        lines.contains(
            "complete -c kubectl-vip -n '__fish_seen_subcommand_from status' -s o -l output -x -a"
                + " 'json yaml wide' -d 'json or yaml: the objects as the API server has them; wide:"
                + " with more columns'"),
        script);
    assertTrue(
        lines.contains(
            "complete -c kubectl-vip -n '__fish_seen_subcommand_from completion' -a 'bash zsh fish kubectl'"),
        script);
    assertTrue(
        lines.contains(
            "complete -c kubectl-vip -n '__fish_seen_subcommand_from bundle' -s f -l file -r -F -d"
                + " 'A file that is not there yet'"),
        script);
  }

  @Test
  void theManualHasEachCommand() {
    var page = Run.of("man").out();
    assertEquals(commands(), found("^\\.SS ([a-z, ]+)", page));
    assertTrue(page.contains(".B \\-n, \\-\\-namespace NAME\n"), page);
    assertTrue(page.contains("Default: virtualip\\-system."), page);
  }
}
