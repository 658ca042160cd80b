package dev.virtualip.vip;

import dev.virtualip.vip.keepalived.Import;
import dev.virtualip.vip.keepalived.Import.Host;
import dev.virtualip.vip.keepalived.Report;
import dev.virtualip.vip.keepalived.Report.Outcome;
import dev.virtualip.vip.keepalived.SyntaxException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * Translates keepalived.conf. Exit codes: 0 done, 1 a file cannot be read, hosts differ in what a
 * VirtualIP has once, an instance becomes no VirtualIP, there is none at all, or with --strict
 * something is not supported.
 */
@Command(
    name = "import",
    description = {
      "Translates keepalived.conf to VirtualIPs, and says of each directive what became of it.",
      "Without -o the manifests go to standard output, without passwords, and the report to"
          + " standard error."
    },
    mixinStandardHelpOptions = true)
final class ImportCommand implements Callable<Integer> {
  @Parameters(
      paramLabel = "FILE",
      arity = "0..1",
      description = "keepalived.conf of the only host; what it includes is read, too.")
  private List<Path> files = List.of();

  @Option(
      names = "--host",
      paramLabel = "NODE=FILE",
      description = "keepalived.conf of one of several hosts, with the name of its node.")
  private List<String> hosts = List.of();

  @Option(
      names = {"-i", "--id"},
      paramLabel = "[NODE=]ID",
      description =
          "What lines with @ are compared to (keepalived: --config-id). Default: the node's name up"
              + " to its first dot.")
  private List<String> ids = List.of();

  @Option(
      names = "--address",
      paramLabel = "[NODE=]ADDRESS",
      description = "The host's own address in unicast, where unicast_src_ip does not tell it.")
  private List<String> addresses = List.of();

  @Option(
      names = "--root",
      paramLabel = "DIR",
      description = "Folder with a copy of the host's files: absolute paths are below it.")
  private Path root;

  @Option(
      names = {"-o", "--output"},
      paramLabel = "DIR",
      description = "Folder to write NAME.yaml, and a Secret in vip-auth.secret.yaml, to.")
  private Path output;

  @Option(
      names = "--secrets",
      paramLabel = "DIR",
      description =
          "With -o: write passwords as files DIR/vip-auth/NAME, for servers without Kubernetes."
              + " Default: the folder secrets in -o's DIR, if it is there.")
  private Path secrets;

  @Option(
      names = "--join",
      description =
          "For other nodes, which join the hosts as their lowest backups: priority below theirs,"
              + " allowOutside, and no overrides.")
  private boolean join;

  @Option(names = "--force", description = "Replace files that are there already.")
  private boolean force;

  @Option(names = "--strict", description = "Exit with 1 if anything is not supported.")
  private boolean strict;

  @Option(names = "--all", description = "List the directives that are translated, too.")
  private boolean all;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    var out = spec.commandLine().getOut();
    var err = spec.commandLine().getErr();
    try {
      var result = Import.of(hosts(), root, join);
      if (output != null) {
        write(result, out);
      } else {
        result.manifests().forEach(manifest -> out.print("---\n" + manifest.yaml()));
      }
      print(result, output == null ? err : out);
      out.flush();
      err.flush();
      boolean unsupported = !result.report().entries(Outcome.NotSupported).isEmpty();
      return lost(result) || strict && unsupported ? 1 : 0;
    } catch (SyntaxException e) {
      err.println(e.getMessage());
      return 1;
    } catch (IOException e) {
      err.println("kubectl-vip: " + Connection.message(e));
      return 1;
    }
  }

  /** Whether hosts differ, or there is no VirtualIP for an instance, or none at all. */
  private static boolean lost(Import result) {
    var report = result.report();
    return !report.errors().isEmpty()
        || result.manifests().isEmpty()
        || report.entries(Outcome.NotSupported).stream()
            .anyMatch(entry -> entry.text().startsWith("vrrp_instance"));
  }

  private List<Host> hosts() {
    if (files.isEmpty() == hosts.isEmpty()) {
      throw usage("give FILE, or several --host NODE=FILE");
    }
    if (files.size() > 1) {
      throw usage(
          "one host has one FILE, which includes others; of several hosts: --host NODE=FILE");
    }
    if (secrets != null && output == null) {
      throw usage("--secrets goes with -o");
    }
    var byNode = new LinkedHashMap<String, Path>();
    for (var host : hosts) {
      int equals = host.indexOf('=');
      if (equals < 1) {
        throw usage("--host " + host + ": expected NODE=FILE");
      }
      if (byNode.put(host.substring(0, equals), Path.of(host.substring(equals + 1))) != null) {
        throw usage("--host " + host + ": this node is given twice");
      }
    }
    files.forEach(file -> byNode.put("", file));
    var idOf = byNode(ids, "--id", byNode);
    var addressOf = byNode(addresses, "--address", byNode);
    var list = new ArrayList<Host>();
    byNode.forEach(
        (node, file) ->
            list.add(
                new Host(
                    node,
                    file,
                    idOf.getOrDefault(node, node.split("\\.", 2)[0]),
                    addressOf.get(node))));
    return list;
  }

  /** Values {@code NODE=VALUE}, or {@code VALUE} of the only host. */
  private Map<String, String> byNode(List<String> values, String option, Map<String, Path> nodes) {
    var map = new LinkedHashMap<String, String>();
    for (var value : values) {
      int equals = value.indexOf('=');
      var node = equals < 0 ? "" : value.substring(0, equals);
      if (!nodes.containsKey(node)) {
        throw usage(
            option + " " + value + ": there is no --host " + (equals < 0 ? "for it" : node));
      }
      if (map.put(node, value.substring(equals + 1)) != null) {
        throw usage(option + " " + value + ": this node has one already");
      }
    }
    return map;
  }

  private ParameterException usage(String message) {
    return new ParameterException(spec.commandLine(), message);
  }

  private void write(Import result, PrintWriter out) throws IOException {
    var texts = new LinkedHashMap<Path, String>();
    for (var manifest : result.manifests()) {
      texts.put(output.resolve(manifest.name() + ".yaml"), manifest.yaml());
    }
    var hidden = new LinkedHashMap<Path, String>();
    var passwords = secrets == null ? output.resolve("secrets") : secrets;
    if (secrets != null || Files.isDirectory(passwords)) {
      var folder = passwords.resolve(Import.SECRET);
      result.passwords().forEach((name, password) -> hidden.put(folder.resolve(name), password));
    } else if (!result.passwords().isEmpty()) {
      hidden.put(output.resolve(Import.SECRET + ".secret.yaml"), result.secret());
    }
    var paths = new LinkedHashSet<>(texts.keySet());
    paths.addAll(hidden.keySet());
    for (var path : paths) {
      if (!force && Files.exists(path)) {
        throw new IOException(path + " is there already: move it away, or say --force");
      }
    }
    for (var entry : texts.entrySet()) {
      Files.createDirectories(entry.getKey().getParent());
      Files.writeString(entry.getKey(), entry.getValue());
      out.println("wrote " + entry.getKey());
    }
    for (var entry : hidden.entrySet()) {
      Files.createDirectories(entry.getKey().getParent());
      writeHidden(entry.getKey(), entry.getValue());
      out.println("wrote " + entry.getKey() + ", which has passwords");
    }
  }

  /** Nobody else may read the file at any moment. */
  private static void writeHidden(Path file, String text) throws IOException {
    Files.deleteIfExists(file);
    Files.createFile(
        file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    Files.write(file, text.getBytes(StandardCharsets.UTF_8), StandardOpenOption.WRITE);
  }

  private void print(Import result, PrintWriter out) {
    var report = result.report();
    print("not supported", report.entries(Outcome.NotSupported), out);
    print("approximated", report.entries(Outcome.Approximated), out);
    var translated = report.entries(Outcome.Translated);
    print(
        "translated" + (all ? "" : ", with a word"),
        translated.stream().filter(entry -> all || !entry.why().isEmpty()).toList(),
        out);
    print("note", report.notes(), out);
    print("error", report.errors(), out);
    if (output == null && !result.passwords().isEmpty()) {
      out.println("passwords are written with -o alone");
    }
    out.println(summary(result));
  }

  private static void print(String title, List<?> lines, PrintWriter out) {
    if (!lines.isEmpty()) {
      out.println(title + ":");
      lines.forEach(line -> out.println("  " + line));
    }
  }

  private static String summary(Import result) {
    Report report = result.report();
    int count = result.manifests().size();
    return "%d VirtualIP%s of %d directives: %d translated, %d approximated, %d not supported"
        .formatted(
            count,
            count == 1 ? "" : "s",
            report.entries().size(),
            report.entries(Outcome.Translated).size(),
            report.entries(Outcome.Approximated).size(),
            report.entries(Outcome.NotSupported).size());
  }
}
