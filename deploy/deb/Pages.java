import dev.virtualip.agent.AgentMain;
import dev.virtualip.vip.ManPage;
import dev.virtualip.vip.VipMain;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.regex.Pattern;
import java.util.zip.ZipFile;
import picocli.AutoComplete;
import picocli.CommandLine;

/**
 * {@code java Pages.java JARS FOLDER}: writes manual pages and completions of both programs below a folder,
 * where Debian has them; and the names of the bundled libraries, with the licences that lie in their jars.
 */
final class Pages {
  private static final Pattern LICENCE =
      Pattern.compile("(META-INF/)?[^/]*(LICEN[CS]E|NOTICE)[^/]*", Pattern.CASE_INSENSITIVE);

  private Pages() {}

  public static void main(String[] args) throws IOException {
    var share = Path.of(args[1], "usr/share");
    licences(Path.of(args[0]), share.resolve("doc/virtualip-agent"));
    var agent = new CommandLine(new AgentMain());
    var environment = new LinkedHashMap<String, String>();
    environment.put("LOG_FORMAT", "json: logs are JSON, an object a line.");
    environment.put("JAVA_OPTS", "More arguments of the Java virtual machine.");
    write(
        share.resolve("man/man8/virtualip-agent.8"),
        ManPage.of(agent.getCommandSpec(), "virtualip-agent", 8, "virtualip-agent", environment)
            + """
            .SH FILES
            .TP
            .I /etc/virtualip/*.yaml
            Manifests of VirtualIPs; edits take effect as they are saved.
            .TP
            .I /etc/virtualip/secrets
            Passwords, as files SECRET\\-NAME/KEY.
            .TP
            .I /etc/virtualip/scripts
            Commands of checks and notifications.
            .TP
            .I /etc/default/virtualip\\-agent
            The server's name, and more options.
            .SH SEE ALSO
            .BR kubectl\\-vip (1),
            .BR systemctl (1)
            """);
    write(share.resolve("man/man1/kubectl-vip.1"), vip("man"));
    var bash = share.resolve("bash-completion/completions");
    write(bash.resolve("virtualip-agent"), sourced(AutoComplete.bash("virtualip-agent", agent)));
    // Whoever types vip gets this file by a link of that name.
    var script = sourced(vip("completion", "bash")) + "complete -F _complete_kubectl-vip -o default vip\n";
    write(bash.resolve("kubectl-vip"), script);
    // zsh runs the file at the first completion, which is therefore answered at its end.
    write(
        share.resolve("zsh/vendor-completions/_kubectl-vip"),
        "#compdef kubectl-vip vip\n" + script + "_bash_complete -o default -F _complete_kubectl-vip\n");
    write(
        share.resolve("fish/vendor_completions.d/kubectl-vip.fish"), vip("completion", "fish"));
    write(Path.of(args[1], "usr/bin/kubectl_complete-vip"), vip("completion", "kubectl"));
  }

  private static void licences(Path jars, Path documents) throws IOException {
    var libraries = new StringBuilder();
    List<Path> sorted;
    try (var files = Files.list(jars)) {
      sorted = files.filter(file -> file.toString().endsWith(".jar")).sorted().toList();
    }
    for (var jar : sorted) {
      var name = jar.getFileName().toString().replaceFirst("\\.jar$", "");
      libraries.append(name).append('\n');
      try (var zip = new ZipFile(jar.toFile())) {
        for (var entry : zip.stream().filter(file -> LICENCE.matcher(file.getName()).matches()).toList()) {
          var to = documents.resolve("licenses").resolve(name).resolve(Path.of(entry.getName()).getFileName());
          write(to, new String(zip.getInputStream(entry).readAllBytes(), StandardCharsets.UTF_8));
        }
      }
    }
    write(documents.resolve("libraries"), libraries.toString());
  }

  /** A script that shells read needs no line that names one. */
  private static String sourced(String script) {
    return script.replaceFirst("^#!.*\n", "");
  }

  private static String vip(String... args) {
    var out = new StringWriter();
    new CommandLine(new VipMain()).setOut(new PrintWriter(out)).execute(args);
    return out.toString();
  }

  private static void write(Path file, String text) throws IOException {
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
  }
}
