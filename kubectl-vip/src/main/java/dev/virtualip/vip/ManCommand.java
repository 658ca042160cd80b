package dev.virtualip.vip;

import java.util.LinkedHashMap;
import java.util.StringJoiner;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Spec;

/** {@code man}: the manual page, from what the commands themselves say. */
@Command(
    name = "man",
    mixinStandardHelpOptions = true,
    description = "Prints the manual page: kubectl vip man | man -l -")
final class ManCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  private final StringJoiner page = new StringJoiner("\n", "", "\n");

  @Override
  public Integer call() {
    var root = spec.root();
    var commands = new LinkedHashMap<CommandLine, String>();
    root.subcommands().forEach((name, command) -> commands.putIfAbsent(command, name));
    page.add(".TH KUBECTL-VIP 1 \"\" \"virtualip\"");
    page.add(".SH NAME").add("kubectl-vip \\- " + text(root.usageMessage().description()));
    page.add(".SH SYNOPSIS").add(".B kubectl vip").add(".I COMMAND").add("[options]");
    page.add(".SH COMMANDS");
    commands.keySet().stream()
        .map(CommandLine::getCommandSpec)
        .filter(command -> !command.usageMessage().hidden())
        .forEach(this::command);
    page.add(".SH EXIT STATUS");
    page.add(".TP").add("0").add("Done.");
    page.add(".TP").add("1").add("It failed, or has found problems.");
    page.add(".TP").add("2").add("The command line is wrong.");
    page.add(".SH ENVIRONMENT");
    page.add(".TP").add(".B KUBECONFIG").add("As for kubectl.");
    page.add(".TP").add(".B NO_COLOR").add("If it is set, nothing is coloured.");
    spec.commandLine().getOut().print(page);
    spec.commandLine().getOut().flush();
    return 0;
  }

  private void command(CommandSpec command) {
    var synopsis = new StringJoiner(" ").add(String.join(", ", command.names()));
    command.positionalParameters().stream()
        .filter(parameter -> !parameter.hidden())
        .forEach(
            parameter ->
                synopsis.add(
                    parameter.required()
                        ? parameter.paramLabel()
                        : "[" + parameter.paramLabel() + "]"));
    page.add(".SS " + escaped(synopsis.toString()));
    page.add(text(command.usageMessage().description()));
    command.options().stream().filter(option -> !option.hidden()).forEach(this::option);
  }

  private void option(OptionSpec option) {
    var names = String.join(", ", option.names());
    page.add(".TP");
    page.add(".B " + escaped(option.arity().max() > 0 ? names + " " + option.paramLabel() : names));
    page.add(text(option.description()));
  }

  private static String text(String[] description) {
    return escaped(String.join(" ", description));
  }

  /** For roff a hyphen is no minus, and a dot or a quote begins a request. */
  private static String escaped(String text) {
    return text.replace("\\", "\\e").replace("-", "\\-").replaceFirst("^([.'])", "\\\\&$1");
  }
}
