package dev.virtualip.vip.keepalived;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** Translates the checks of a real server. */
final class ServerChecks {
  private static final Set<String> CHECKERS =
      Set.of(
          "HTTP_GET",
          "SSL_GET",
          "TCP_CHECK",
          "SMTP_CHECK",
          "DNS_CHECK",
          "MISC_CHECK",
          "UDP_CHECK",
          "PING_CHECK",
          "BFD_CHECK",
          "FILE_CHECK");

  /** Settings of a check that real server and virtual server may have for it. */
  static final Set<String> INHERITED =
      Set.of(
          "delay_loop",
          "connect_timeout",
          "retry",
          "nb_get_retry",
          "delay_before_retry",
          "alpha",
          "virtualhost");

  private final Commands commands;
  private final Report report;
  private final Reading reading;

  ServerChecks(Commands commands, Report report) {
    this.commands = commands;
    this.report = report;
    this.reading = new Reading(report);
  }

  static boolean isChecker(String keyword) {
    return CHECKERS.contains(keyword);
  }

  /**
   * The checks that a block makes: one, or one for each url.
   *
   * @param address of the real server
   * @param inherited settings of real server and virtual server, by keyword
   */
  List<Fields> translate(Directive block, String address, Map<String, Directive> inherited) {
    if (block.keyword().equals("BFD_CHECK") || block.keyword().equals("FILE_CHECK")) {
      report.notSupported(
          block,
          block.keyword().startsWith("BFD")
              ? "sessions of BFD are with nodes and routers, not with real servers"
              : "use an exec check that looks at the file");
      return List.of();
    }
    if (!block.isBlock()) {
      report.notSupported(block, "expected { behind it; keepalived refuses it, too");
      return List.of();
    }
    report.translated(block);
    return new One(block, address, inherited).translate();
  }

  private final class One {
    private final Directive block;
    private final String address;
    private final Map<String, Directive> settings;
    private final List<Directive> urls = new ArrayList<>();
    private final Fields target = new Fields();
    private final Map<String, Directive> own = new HashMap<>();

    private One(Directive block, String address, Map<String, Directive> inherited) {
      this.block = block;
      this.address = address;
      this.settings = new HashMap<>(inherited);
    }

    private List<Fields> translate() {
      for (var directive : block.block()) {
        sort(directive);
      }
      var checks = new ArrayList<Fields>();
      switch (block.keyword()) {
        case "HTTP_GET", "SSL_GET" -> {
          (urls.isEmpty() ? List.of(block) : urls).forEach(url -> checks.add(http(url)));
        }
        case "MISC_CHECK" -> {
          var misc = misc();
          if (misc != null) {
            checks.add(misc);
          }
        }
        case "DNS_CHECK" -> checks.add(kind("dns", dns()));
        case "SMTP_CHECK" -> checks.add(kind("smtp", with("helo", "helo_name")));
        case "UDP_CHECK" -> checks.add(kind("udp", udp()));
        case "PING_CHECK" -> {
          target.values().remove("port");
          checks.add(kind("ping", target));
        }
        default -> checks.add(kind("tcp", target));
      }
      return checks;
    }

    private void sort(Directive directive) {
      switch (directive.keyword()) {
        case "connect_ip" -> put("host", directive.argument(1), directive);
        case "connect_port" -> put("port", reading.number(directive, 1, 1, 65535), directive);
        case "url" -> urls.add(directive);
        case "type",
            "name",
            "helo_name",
            "misc_path",
            "misc_timeout",
            "misc_dynamic",
            "payload",
            "require_reply",
            "min_reply_length" ->
            own.put(directive.keyword(), directive);
        default -> {
          if (INHERITED.contains(directive.keyword())) {
            settings.put(directive.keyword(), directive);
          } else {
            Counterparts.CHECKER.judge(directive, report);
          }
        }
      }
    }

    private void put(String field, Object value, Directive directive) {
      target.put(field, value, directive);
      report.translated(directive);
    }

    /** Adds a setting of its own to the target as a text. */
    private Fields with(String field, String keyword) {
      var directive = own.get(keyword);
      if (directive != null) {
        put(field, directive.argument(1), directive);
      }
      return target;
    }

    private Fields dns() {
      with("name", "name");
      var type = own.get("type");
      if (type != null) {
        put("type", type.argument(1).toUpperCase(Locale.ROOT), type);
      }
      return target;
    }

    private Fields udp() {
      var payload = own.get("payload");
      if (payload != null) {
        put("payload", hex(String.join(" ", payload.arguments())), payload);
      }
      var required = own.get("require_reply");
      var least = own.get("min_reply_length");
      if (required == null) {
        target.put("requireReply", false, block);
      } else if (required.arguments().isEmpty()) {
        report.translated(required);
      } else {
        put("reply", hex(String.join(" ", required.arguments())), required);
      }
      if (least != null && required != null && target.get("reply") == null) {
        var length = reading.number(least, 1, 0, 512);
        put("reply", length == null || length == 0 ? null : "xx ".repeat(length).strip(), least);
      } else if (least != null) {
        report.notSupported(least, "an answer has to begin with reply");
      }
      return target;
    }

    /** Bytes of two digits; keepalived takes single ones, too. */
    private static String hex(String text) {
      return Arrays.stream(text.split("\\s+"))
          .flatMap(word -> Arrays.stream(word.split("(?<=\\G..)")))
          .map(digits -> digits.length() == 1 ? "0" + digits : digits)
          .collect(Collectors.joining(" "));
    }

    private Fields http(Directive url) {
      var http = new Fields();
      if (block.keyword().equals("SSL_GET")) {
        http.put("scheme", "HTTPS", block);
      }
      http.values().putAll(target.values());
      var virtualhost = settings.get("virtualhost");
      boolean statuses = false;
      for (var directive : url == block ? List.<Directive>of() : url.block()) {
        switch (directive.keyword()) {
          case "path" -> {
            var path = directive.argument(1);
            http.put("path", path.startsWith("/") ? path : "/" + path, directive);
            report.translated(directive);
          }
          case "status_code" -> {
            http.put("statuses", String.join(",", directive.arguments()), directive);
            report.translated(directive);
            statuses = true;
          }
          case "virtualhost" -> virtualhost = directive;
          case "regex" -> regex(directive, http);
          default -> Counterparts.CHECKER.judge(directive, report);
        }
      }
      report.translated(url);
      if (virtualhost != null) {
        http.put("hostHeader", virtualhost.argument(1), virtualhost);
        report.translated(virtualhost);
      }
      if (!statuses) {
        http.put("statuses", "200-299", url);
      }
      return kind("http", http);
    }

    private void regex(Directive directive, Fields http) {
      var text = String.join(" ", directive.arguments());
      if (text.matches("[^\\\\^$.|?*+()\\[\\]{}]+")) {
        http.put("bodyContains", text, directive);
        report.translated(directive);
      } else {
        report.notSupported(directive, "bodyContains is a text, no pattern");
      }
    }

    private Fields misc() {
      var path = own.get("misc_path");
      if (path == null) {
        report.notSupported(block, "has no misc_path");
        return null;
      }
      var check = new Fields();
      commands.into(check, path.argument(1), path, address);
      var timeout = own.get("misc_timeout");
      if (timeout != null) {
        check.put("timeout", reading.seconds(timeout, 1), timeout);
        report.translated(timeout);
      }
      var dynamic = own.get("misc_dynamic");
      if (dynamic != null && check.get("exec") != null) {
        ((Fields) check.get("exec").content()).put("weightByExitCode", true, dynamic);
        report.translated(dynamic);
      }
      times(check, 0);
      return check;
    }

    private Fields kind(String kind, Fields fields) {
      var check = new Fields().put(kind, fields, block);
      times(check, kind.equals("dns") ? 3 : 1);
      return check;
    }

    /** Times as keepalived has them, also those that it has by default. */
    private void times(Fields check, int retries) {
      var misc = block.keyword().equals("MISC_CHECK");
      check.put("interval", seconds("delay_loop", "60s"), from("delay_loop"));
      if (!misc) {
        check.put("timeout", seconds("connect_timeout", "5s"), from("connect_timeout"));
      } else if (check.get("timeout") == null) {
        check.put("timeout", check.get("interval").content(), from("delay_loop"));
      }
      var retry = settings.getOrDefault("retry", settings.get("nb_get_retry"));
      var more = retry == null ? (Integer) retries : reading.number(retry, 1, 0, 999);
      if (retry != null && more != null) {
        report.translated(retry, "fall is one more");
      }
      if (more != null && more > 0) {
        var pause =
            block.keyword().equals("DNS_CHECK")
                ? seconds("delay_loop", "60s")
                : block.keyword().endsWith("_GET") ? "3s" : "1s";
        check.put("fall", more + 1, retry == null ? block : retry);
        check.put(
            "retryInterval", seconds("delay_before_retry", pause), from("delay_before_retry"));
      } else if (settings.get("delay_before_retry") != null) {
        report.unused(settings.get("delay_before_retry"), "no effect without retries");
      }
      var alpha = settings.get("alpha");
      if (alpha != null && Boolean.TRUE.equals(reading.flag(alpha))) {
        check.put("initial", "Failed", alpha);
      }
      if (alpha != null) {
        report.translated(alpha);
      }
    }

    private String seconds(String keyword, String otherwise) {
      var directive = settings.get(keyword);
      var seconds = directive == null ? null : reading.seconds(directive, 1);
      if (seconds != null) {
        report.translated(directive);
      }
      return seconds == null ? otherwise : seconds;
    }

    private Directive from(String keyword) {
      return settings.getOrDefault(keyword, block);
    }
  }
}
