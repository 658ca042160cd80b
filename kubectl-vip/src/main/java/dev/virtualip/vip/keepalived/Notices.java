package dev.virtualip.vip.keepalived;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Translates notify scripts and mails to {@code notifications}. */
final class Notices {
  private static final Map<String, String> STATES =
      Map.of(
          "notify_master", "Master",
          "notify_backup", "Backup",
          "notify_fault", "Fault",
          "notify_stop", "Stop",
          "notify_deleted", "Deleted");

  private final Globals globals;
  private final Report report;

  Notices(Globals globals, Report report) {
    this.globals = globals;
    this.report = report;
  }

  /** Whether a keyword is about notifications. */
  static boolean isOne(String keyword) {
    return keyword.equals("notify") || STATES.containsKey(keyword) || keyword.equals("smtp_alert");
  }

  /**
   * Adds the notifications of a block.
   *
   * @param directives those of the block that {@link #isOne} is true of
   */
  void translate(List<Directive> directives, boolean mailsByDefault, Fields spec) {
    var scripts = new ArrayList<Directive>();
    boolean mails = mailsByDefault;
    Directive alert = null;
    for (var directive : directives) {
      if (!directive.keyword().equals("smtp_alert")) {
        scripts.add(directive);
        continue;
      }
      alert = directive;
      var flag = new Reading(report).flag(directive);
      mails = Boolean.TRUE.equals(flag);
      if (flag != null) {
        report.translated(directive);
      }
    }
    scripts(scripts, spec);
    if (mails) {
      email(alert, spec);
    }
  }

  /** One command is run: notify, or the only one that stands behind notify_master and so on. */
  private void scripts(List<Directive> scripts, Fields spec) {
    var byCommand = new LinkedHashMap<String, List<Directive>>();
    for (var script : scripts) {
      if (script.argument(1).isEmpty()) {
        report.unused(script, "names no script");
      } else {
        byCommand.computeIfAbsent(script.argument(1), _ -> new ArrayList<>()).add(script);
      }
    }
    var notify = scripts.stream().filter(script -> script.keyword().equals("notify")).findFirst();
    var chosen =
        notify.isPresent()
            ? List.of(notify.get())
            : byCommand.size() == 1 ? byCommand.values().iterator().next() : List.<Directive>of();
    for (var script : byCommand.values().stream().flatMap(List::stream).toList()) {
      if (chosen.contains(script)) {
        command(script, spec);
      } else {
        report.notSupported(
            script,
            "a VirtualIP has one command: let one script do all by its last arguments, as notify's"
                + " does");
      }
    }
    if (notify.isEmpty()) {
      chosen.forEach(
          script ->
              spec.in("notifications", script)
                  .in("exec", script)
                  .add("states", STATES.get(script.keyword()), script));
    }
  }

  private void command(Directive script, Fields spec) {
    var words = Words.of(script.argument(1));
    if (!words.isPlain() || words.isEmpty()) {
      report.notSupported(script, "needs a shell: write it into a script");
      return;
    }
    Commands.outside(script, report);
    spec.in("notifications", script)
        .in("exec", script)
        .put(
            "command",
            Commands.list(Commands.withoutSecrets(words, script, report), script).content(),
            script);
    report.approximated(
        script,
        "copy %s into the scripts directory; it runs as nobody, with notify's four arguments"
            .formatted(words.words().getFirst()));
  }

  private void email(Directive alert, Fields spec) {
    var to = globals.get("notification_email");
    var from = globals.get("notification_email_from");
    var server = globals.get("smtp_server");
    if (to == null || from == null || server == null) {
      if (alert != null) {
        report.notSupported(
            alert, "needs notification_email, notification_email_from and smtp_server");
      }
      return;
    }
    var email = spec.in("notifications", to).in("email", to);
    email.put("from", from.argument(1), from);
    for (var line : to.block()) {
      line.words().forEach(address -> email.add("to", address, line));
      report.translated(line);
    }
    to.arguments().forEach(address -> email.add("to", address, to));
    var id = globals.get("router_id");
    if (id != null) {
      email.put("routerId", id.argument(1), id);
      report.translated(id);
    }
    var smtp = email.in("smtp", server).put("host", server.argument(1), server);
    var port = server.argument(2);
    smtp.put(
        "port", port.isEmpty() ? null : new Reading(report).number(server, 2, 1, 65535), server);
    var timeout = globals.get("smtp_connect_timeout");
    if (timeout != null) {
      smtp.put("connectTimeout", new Reading(report).seconds(timeout, 1), timeout);
      report.translated(timeout);
    }
    var helo = globals.get("smtp_helo_name");
    if (helo != null) {
      smtp.put("helo", helo.argument(1), helo);
      report.translated(helo);
    }
    var noFaults = globals.get("no_email_faults");
    if (noFaults != null) {
      List.of("Master", "Backup", "Stop", "Deleted")
          .forEach(state -> email.add("states", state, noFaults));
      report.translated(noFaults);
    }
    List.of(to, from, server).forEach(report::translated);
  }
}
