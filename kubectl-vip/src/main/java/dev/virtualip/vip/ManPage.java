package dev.virtualip.vip;

import static java.util.Locale.ROOT;

import java.util.LinkedHashMap;
import java.util.StringJoiner;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** The manual page of a program, from what its commands themselves say. */
public final class ManPage {
  private final StringJoiner page = new StringJoiner("\n", "", "\n");

  private ManPage() {}

  /**
   * The page in roff.
   *
   * @param name the program's file, as man(1) is asked for it
   * @param section of the manual: 1 for people, 8 for administrators
   * @param called how it is called, as in {@code kubectl vip}
   * @param environment variables, and what each is for
   */
  public static String of(
      CommandSpec root,
      String name,
      int section,
      String called,
      LinkedHashMap<String, String> environment) {
    var man = new ManPage();
    man.page.add(".TH %s %d \"\" \"virtualip\"".formatted(name.toUpperCase(ROOT), section));
    man.page.add(".SH NAME").add(escaped(name) + " \\- " + text(root.usageMessage().description()));
    man.page.add(".SH SYNOPSIS").add(".B " + escaped(called)).add(".I COMMAND").add("[options]");
    man.page.add(".SH COMMANDS");
    var commands = new LinkedHashMap<CommandLine, String>();
    root.subcommands().forEach((key, command) -> commands.putIfAbsent(command, key));
    commands.keySet().stream()
        .map(CommandLine::getCommandSpec)
        .filter(command -> !command.usageMessage().hidden())
        .forEach(man::command);
    man.page.add(".SH EXIT STATUS");
    man.item("0", "Done.");
    man.item("1", "It failed, or has found problems.");
    man.item("2", "The command line is wrong.");
    man.page.add(".SH ENVIRONMENT");
    environment.forEach((variable, use) -> man.item(".B " + variable, escaped(use)));
    return man.page.toString();
  }

  private void item(String tag, String text) {
    page.add(".TP").add(tag).add(text);
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
