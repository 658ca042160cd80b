package dev.virtualip.vip.keepalived;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/** Recognises what the usual commands of check scripts ask. */
final class Idioms {
  private static final Pattern REDIRECTION =
      Pattern.compile("\\s*(&>|>&|[012]?>>?)\\s*(/dev/null|&[12])");
  private static final Pattern EXIT =
      Pattern.compile(
          "\\s*(\\|\\|\\s*(exit\\s+[1-9]\\d*|false)|&&\\s*exit\\s+0|;\\s*exit\\s+\\$\\?)\\s*;?$");
  private static final Pattern DEV_TCP =
      Pattern.compile(
          "(?:(?:echo|:|true|cat|exec)\\b[^<>]*)?\\d*(?:<>|<|>)\\s*/dev/tcp/([^/\\s]+)/(\\d+)");
  private static final Pattern IPV4 = Pattern.compile("[0-9]{1,3}(\\.[0-9]{1,3}){3}");
  private static final Pattern IPV6 = Pattern.compile("[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*");
  private static final Set<String> SHELLS = Set.of("sh", "bash", "dash", "ash");
  private static final Set<String> LOOPBACK = Set.of("localhost", "127.0.0.1", "::1");
  private static final Set<String> RECORD_TYPES =
      Set.of("A", "NS", "CNAME", "SOA", "MX", "TXT", "AAAA");

  /**
   * A check that asks the same.
   *
   * @param kind its kind, as in {@code http}
   * @param fields the fields of the kind
   * @param timeout that of the command itself, or null
   * @param how what is not quite the same; empty if it is
   */
  record Check(String kind, Fields fields, String timeout, List<String> how) {
    Check(String kind, Fields fields, String... how) {
      this(kind, fields, null, List.of(how));
    }
  }

  private final Directive from;
  private final String own;

  /**
   * Idioms of a directive.
   *
   * @param own address of the host that the check is of, which a check need not name; null for the
   *     node itself
   */
  Idioms(Directive from, String own) {
    this.from = from;
    this.own = own;
  }

  /** What a command line asks; empty if it is none of the usual ones. */
  Optional<Check> of(String command) {
    var text = unwrapped(command);
    var tcp = DEV_TCP.matcher(text);
    if (tcp.matches()) {
      return tcp(tcp.group(1), tcp.group(2));
    }
    var words = Words.of(text);
    if (!words.isPlain() || words.isEmpty()) {
      return Optional.empty();
    }
    var arguments = words.arguments();
    return switch (words.program()) {
      case "killall" -> killall(arguments);
      case "pidof" -> process(arguments, Set.of("-s", "-q", "-x"));
      case "pgrep" -> pgrep(arguments);
      case "ps" ->
          arguments.size() > 1 && arguments.getFirst().equals("-C")
              ? process(arguments.subList(1, 2), Set.of())
              : Optional.empty();
      case "systemctl" -> unit(arguments);
      case "curl" -> new Downloads(from, own).curl(arguments);
      case "wget" -> new Downloads(from, own).wget(arguments);
      case "nc", "ncat", "netcat" -> netcat(arguments);
      case "nslookup" -> nslookup(arguments);
      case "dig" -> dig(arguments);
      case "ping" -> ping(arguments);
      default -> Optional.empty();
    };
  }

  /** Without shells, limits of time and other programs around it. */
  private static String unwrapped(String command) {
    var text = command.strip();
    for (int i = 0; i < 10; i++) {
      var before = text;
      text = EXIT.matcher(REDIRECTION.matcher(text).replaceAll("")).replaceFirst("").strip();
      var words = Words.of(text);
      var rest = words.words();
      if (SHELLS.contains(words.program()) && rest.size() == 3 && rest.get(1).equals("-c")) {
        text = rest.get(2);
      } else if (words.program().equals("timeout") && rest.size() > 2) {
        text = text.replaceFirst("^\\S+\\s+(-[ks]\\s+\\S+\\s+|-\\S+\\s+)*\\S+\\s+", "");
      } else if (Set.of("sudo", "exec", "nice").contains(words.program())) {
        text = text.replaceFirst("^\\S+\\s+", "");
      }
      if (text.equals(before)) {
        break;
      }
    }
    return text;
  }

  private Optional<Check> killall(List<String> arguments) {
    var rest = new ArrayList<>(arguments);
    int signal = rest.indexOf("-s");
    if (signal >= 0 && signal + 1 < rest.size() && rest.get(signal + 1).equals("0")) {
      rest.subList(signal, signal + 2).clear();
      rest.add("-0");
    }
    return rest.contains("-0") ? process(rest, Set.of("-0", "-q", "-e")) : Optional.empty();
  }

  private Optional<Check> pgrep(List<String> arguments) {
    boolean exact = arguments.contains("-x") || arguments.contains("--exact");
    return process(arguments, Set.of("-x", "--exact", "-c"))
        .map(
            check ->
                exact
                    ? check
                    : new Check(
                        check.kind(),
                        check.fields(),
                        "pgrep finds parts of names, process wants the whole one"));
  }

  /** A process by its name, which is the one argument that is no option. */
  private Optional<Check> process(List<String> arguments, Set<String> options) {
    var names = arguments.stream().filter(word -> !options.contains(word)).toList();
    return names.size() != 1 || !names.getFirst().matches("[A-Za-z0-9/][A-Za-z0-9_./@:-]*")
        ? Optional.empty()
        : Optional.of(processNamed(Words.baseName(names.getFirst())));
  }

  Check processNamed(String name, String... how) {
    return new Check("process", new Fields().put("name", name, from), how);
  }

  private Optional<Check> unit(List<String> arguments) {
    var words = arguments.stream().filter(word -> !Set.of("-q", "--quiet").contains(word)).toList();
    if (words.size() != 2 || !Set.of("is-active", "status").contains(words.getFirst())) {
      return Optional.empty();
    }
    var unit = words.get(1).replaceFirst("\\.service$", "");
    return unit.contains(".")
        ? Optional.empty()
        : Optional.of(
            processNamed(
                Words.baseName(unit.replaceFirst("@.*", "")),
                "a process of the unit's name is looked for: see ps -e for the name it has"));
  }

  private Optional<Check> netcat(List<String> arguments) {
    var hosts = new ArrayList<String>();
    boolean zero = false;
    String timeout = null;
    for (int i = 0; i < arguments.size(); i++) {
      var word = arguments.get(i);
      if (word.equals("-w") && i + 1 < arguments.size()) {
        timeout = Reading.duration(arguments.get(++i));
      } else if (word.matches("-w[0-9]+")) {
        timeout = Reading.duration(word.substring(2));
      } else if (word.matches("-[znv46]+")) {
        zero |= word.contains("z");
      } else if (word.startsWith("-")) {
        return Optional.empty();
      } else {
        hosts.add(word);
      }
    }
    if (!zero || hosts.size() != 2) {
      return Optional.empty();
    }
    var limit = timeout;
    return tcp(hosts.get(0), hosts.get(1))
        .map(check -> new Check(check.kind(), check.fields(), limit, check.how()));
  }

  private Optional<Check> tcp(String host, String port) {
    var number = Reading.number(port, 1, 65535);
    return number == null || !isAddress(host)
        ? Optional.empty()
        : Optional.of(new Check("tcp", at(host).put("port", number, from)));
  }

  private Optional<Check> nslookup(List<String> arguments) {
    var type = "A";
    var words = new ArrayList<String>();
    for (var word : arguments) {
      if (word.matches("-(type|q|query|querytype)=\\w+")) {
        type = word.substring(word.indexOf('=') + 1);
      } else if (!word.startsWith("-")) {
        words.add(word);
      }
    }
    return words.size() == 2 ? dns(words.get(0), type, words.get(1)) : Optional.empty();
  }

  private Optional<Check> dig(List<String> arguments) {
    String name = null;
    String server = null;
    var type = "A";
    for (var word : arguments) {
      if (word.startsWith("@")) {
        server = word.substring(1);
      } else if (RECORD_TYPES.contains(word.toUpperCase(Locale.ROOT))) {
        type = word;
      } else if (!word.startsWith("+") && !word.startsWith("-")) {
        name = name == null ? word : "";
      }
    }
    return name == null || server == null ? Optional.empty() : dns(name, type, server);
  }

  private Optional<Check> dns(String name, String type, String server) {
    var upper = type.toUpperCase(Locale.ROOT);
    if (!RECORD_TYPES.contains(upper)
        || !isAddress(server)
        || !name.matches("[A-Za-z0-9_-]{1,63}(\\.[A-Za-z0-9_-]{1,63})*\\.?")) {
      return Optional.empty();
    }
    return Optional.of(
        new Check("dns", at(server).put("name", name, from).put("type", upper, from)));
  }

  private Optional<Check> ping(List<String> arguments) {
    var host = arguments.isEmpty() ? "" : arguments.getLast();
    boolean plain = String.join(" ", arguments).matches("(-[46cnqWwi]\\s*[0-9.]*\\s+)*\\S+");
    return plain && isAddress(host) && !LOOPBACK.contains(host)
        ? Optional.of(new Check("ping", at(host)))
        : Optional.empty();
  }

  /** The field host, unless it is the one that a check has by itself. */
  private Fields at(String host) {
    return at(host, own, from);
  }

  static Fields at(String host, String own, Directive from) {
    boolean known =
        own == null ? Set.of("localhost", "127.0.0.1").contains(host) : host.equals(own);
    return new Fields()
        .put("host", known ? null : host.equals("localhost") ? "127.0.0.1" : host, from);
  }

  /** Whether a host needs no DNS. */
  static boolean isAddress(String host) {
    return host.equals("localhost") || IPV4.matcher(host).matches() || IPV6.matcher(host).matches();
  }
}
