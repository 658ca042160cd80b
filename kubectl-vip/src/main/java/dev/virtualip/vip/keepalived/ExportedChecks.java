package dev.virtualip.vip.keepalived;

import com.fasterxml.jackson.databind.JsonNode;
import dev.virtualip.crds.schema.HealthCheck;
import dev.virtualip.crds.schema.VirtualIpSpec;
import dev.virtualip.crds.values.Durations;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Checks as vrrp_script and vrrp_track_process, which stand above the instances. */
final class ExportedChecks {
  private final Names names = new Names();

  /** Names by definition, so that instances with the same check share it. */
  private final Map<String, String> byDefinition = new LinkedHashMap<>();

  private final ConfText definitions = new ConfText();
  private boolean runScripts;

  /**
   * A line of a block that tracks.
   *
   * @param block as in {@code track_script}
   */
  record Tracked(String block, String... words) {}

  String definitions() {
    return definitions.toString();
  }

  boolean runScripts() {
    return runScripts;
  }

  /** Defines the checks of a spec. */
  List<Tracked> define(VirtualIpSpec spec, Unsaid unsaid) {
    var tracked = new ArrayList<Tracked>();
    var items = unsaid.items("healthChecks");
    for (int i = 0; i < items.size(); i++) {
      define(spec.healthChecks().get(i), items.get(i), tracked);
    }
    return tracked;
  }

  private void define(HealthCheck check, Unsaid.Item item, List<Tracked> tracked) {
    item.take("name");
    var weight = weight(check.weight(), check.reverse());
    item.take("weight");
    item.take("reverse");
    item.take("watch");
    if (check.process() != null && isPlain(item)) {
      item.take("process");
      tracked.add(new Tracked("track_process", process(check, weight)));
      return;
    }
    var command = command(check, item);
    if (command == null) {
      return;
    }
    runScripts = true;
    var body = new ConfText().line("script", command);
    body.line("interval", whole(check.interval(), "interval", item));
    body.line("timeout", whole(check.timeout(), "timeout", item));
    body.line("rise", check.rise()).line("fall", check.fall());
    item.take("rise");
    item.take("fall");
    if (check.initial() == HealthCheck.Initial.Failed) {
      body.line("init_fail");
      item.take("initial");
    }
    item.end("keepalived's scripts have nothing like it");
    var name = defined("vrrp_script", check.name(), body);
    tracked.add(new Tracked("track_script", concat(name, weight)));
  }

  /** Whether a process is all that is said of a check. */
  private static boolean isPlain(Unsaid.Item item) {
    return item.has("process")
        && !item.has("rise")
        && !item.has("fall")
        && !item.has("initial")
        && !item.has("interval")
        && !item.has("timeout")
        && !item.has("retryInterval");
  }

  private String process(HealthCheck check, String[] weight) {
    var body = new ConfText().line("process", check.process().name());
    // Without one keepalived takes 1.
    body.line((Object[]) (weight.length == 0 ? new String[] {"weight", "0"} : weight));
    return defined("vrrp_track_process", check.name(), body);
  }

  static String[] weight(int weight, boolean reverse) {
    return reverse
        ? new String[] {"weight", "" + weight, "reverse"}
        : weight == 0 ? new String[0] : new String[] {"weight", "" + weight};
  }

  static String[] concat(String first, String... rest) {
    var all = new ArrayList<>(List.of(first));
    all.addAll(List.of(rest));
    return all.toArray(String[]::new);
  }

  /** Defines a block; returns its name. */
  String defined(String keyword, String name, ConfText body) {
    return byDefinition.computeIfAbsent(
        keyword + " " + name + "\n" + body,
        _ -> {
          var unique = names.unique(name);
          definitions.open(keyword, unique).add(body.toString()).close();
          return unique;
        });
  }

  /** keepalived's scripts have whole seconds, one at least. */
  private static String whole(String duration, String field, Unsaid.Item item) {
    item.take(field);
    long seconds = Math.max(1, Math.ceilDiv(Durations.parse(duration).toMillis(), 1000));
    if (Durations.parse(duration).toMillis() != seconds * 1000) {
      item.say(field, "keepalived has whole seconds: %d s instead".formatted(seconds));
    }
    return Long.toString(seconds);
  }

  /** The command that asks the same; null if there is none, and then the check is lost. */
  private static String command(HealthCheck check, Unsaid.Item item) {
    if (check.http() != null) {
      return curl(check, item);
    }
    if (check.tcp() != null) {
      item.take("tcp");
      return "/bin/nc -z -w %s %s %d"
          .formatted(seconds(check.timeout()), check.tcp().host(), check.tcp().port());
    }
    if (check.ping() != null) {
      item.take("ping");
      return "/bin/ping -c 1 -W %s %s".formatted(seconds(check.timeout()), check.ping().host());
    }
    if (check.dns() != null) {
      item.take("dns");
      var dns = check.dns();
      var port = dns.port() == 53 ? "" : "-p %d ".formatted(dns.port());
      return "/usr/bin/dig %s@%s %s %s".formatted(port, dns.host(), dns.name(), dns.type());
    }
    if (check.process() != null) {
      item.take("process");
      return "/usr/bin/pgrep -x " + check.process().name();
    }
    if (check.exec() != null) {
      return script(item);
    }
    item.lose(
        check.pod() != null
            ? "keepalived knows no pods: check its port with http or tcp first"
            : "no usual command asks the same: write a script");
    return null;
  }

  private static String seconds(String duration) {
    return Long.toString(Math.max(1, Math.ceilDiv(Durations.parse(duration).toMillis(), 1000)));
  }

  private static String curl(HealthCheck check, Unsaid.Item item) {
    var http = check.http();
    var command = new StringBuilder("/usr/bin/curl -sf -o /dev/null -m ");
    command.append(seconds(check.timeout()));
    boolean https = http.scheme() == HealthCheck.Scheme.HTTPS;
    boolean verify = http.tls() != null && http.tls().verify();
    if (https && !verify) {
      command.append(" -k");
    }
    if (http.hostHeader() != null) {
      command.append(" -H Host:").append(http.hostHeader());
    }
    var host = http.host().contains(":") ? "[" + http.host() + "]" : http.host();
    boolean usual = http.port() == (https ? 443 : 80);
    command
        .append(https ? " https://" : " http://")
        .append(host)
        .append(usual ? "" : ":" + http.port())
        .append(http.path());
    for (var said : List.of("scheme", "hostHeader", "host", "port", "path", "tls/verify")) {
      item.take("http/" + said);
    }
    item.take("http/statuses");
    if (!http.statuses().equals("200-399")) {
      item.say("http.statuses", "curl -f takes statuses below 400");
    }
    return command.toString();
  }

  private static String script(Unsaid.Item item) {
    var words = new ArrayList<String>();
    for (JsonNode word : item.take("exec/command")) {
      words.add(word.asText());
    }
    if (words.stream().anyMatch(word -> !word.matches("[^\\s\"'\\\\]+"))) {
      item.lose("an argument has blanks or quotes: write it into the script");
      return null;
    }
    item.say("exec", "copy %s into %s".formatted(words.getFirst(), Export.SCRIPTS));
    return Export.SCRIPTS + String.join(" ", words);
  }
}
