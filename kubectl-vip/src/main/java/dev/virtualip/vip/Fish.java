package dev.virtualip.vip;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.StringJoiner;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** Completion for fish, of commands that are one level deep. */
final class Fish {
  private static final String COMPLETE = "complete -c " + CompletionCommand.PROGRAM;

  private final StringJoiner script = new StringJoiner("\n", "", "\n");

  private Fish() {}

  static String of(CommandLine root) {
    var fish = new Fish();
    fish.script.add(COMPLETE + " -f");
    fish.options("__fish_use_subcommand", root);
    var commands = new LinkedHashMap<CommandLine, String>();
    root.getSubcommands().forEach((name, command) -> commands.merge(command, name, Fish::both));
    for (var command : commands.entrySet()) {
      fish.command(command.getKey(), command.getValue());
    }
    return fish.script.toString();
  }

  private static String both(String name, String alias) {
    return name + " " + alias;
  }

  private void command(CommandLine command, String names) {
    var spec = command.getCommandSpec();
    if (!spec.usageMessage().hidden()) {
      script.add(
          "%s -n __fish_use_subcommand -a %s -d %s"
              .formatted(
                  COMPLETE, quoted(names), quoted(first(spec.usageMessage().description()))));
      var inside = "__fish_seen_subcommand_from " + names;
      options(inside, command);
      spec.positionalParameters().forEach(parameter -> values(inside, parameter));
    }
  }

  private void options(String condition, CommandLine command) {
    command.getCommandSpec().options().stream()
        .filter(option -> !option.hidden())
        .forEach(option -> option(condition, option));
  }

  private void option(String condition, OptionSpec option) {
    var line = new StringBuilder(COMPLETE).append(" -n ").append(quoted(condition));
    for (var name : option.names()) {
      line.append(name.startsWith("--") ? " -l " + name.substring(2) : " -s " + name.substring(1));
    }
    if (option.arity().max() > 0) {
      boolean file = option.type() == Path.class;
      line.append(file ? " -r -F" : " -x");
      if (option.completionCandidates() != null) {
        line.append(" -a ").append(quoted(String.join(" ", option.completionCandidates())));
      }
    }
    script.add(line.append(" -d ").append(quoted(first(option.description()))).toString());
  }

  private void values(String condition, PositionalParamSpec parameter) {
    if (parameter.completionCandidates() != null) {
      script.add(
          "%s -n %s -a %s"
              .formatted(
                  COMPLETE,
                  quoted(condition),
                  quoted(String.join(" ", parameter.completionCandidates()))));
    } else if (parameter.type() == Path.class) {
      script.add("%s -n %s -F".formatted(COMPLETE, quoted(condition)));
    }
  }

  /** The first sentence: there is one line for it. */
  private static String first(String[] description) {
    var text = description.length == 0 ? "" : description[0];
    return text.replaceFirst("\\. .*|\\.$", "");
  }

  private static String quoted(String text) {
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'";
  }
}
