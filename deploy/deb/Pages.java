import dev.virtualip.agent.AgentMain;
import dev.virtualip.vip.ManPage;
import dev.virtualip.vip.VipMain;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import picocli.AutoComplete;
import picocli.CommandLine;

/**
 * {@code java Pages.java FOLDER}: writes manual pages and completions of both programs below a folder, where
 * Debian has them.
 */
final class Pages {
  private Pages() {}

  public static void main(String[] args) throws IOException {
    var share = Path.of(args[0], "usr/share");
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
    write(bash.resolve("virtualip-agent"), AutoComplete.bash("virtualip-agent", agent));
    // Whoever types vip gets this file by a link of that name.
    var script = vip("completion", "bash") + "complete -F _complete_kubectl-vip -o default vip\n";
    write(bash.resolve("kubectl-vip"), script);
    // zsh runs the file at the first completion, which is therefore answered at its end.
    write(
        share.resolve("zsh/vendor-completions/_kubectl-vip"),
        "#compdef kubectl-vip vip\n" + script + "_bash_complete -o default -F _complete_kubectl-vip\n");
    write(
        share.resolve("fish/vendor_completions.d/kubectl-vip.fish"), vip("completion", "fish"));
    write(Path.of(args[0], "usr/bin/kubectl_complete-vip"), vip("completion", "kubectl"));
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
