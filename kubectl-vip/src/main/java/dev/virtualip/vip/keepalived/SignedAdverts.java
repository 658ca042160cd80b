package dev.virtualip.vip.keepalived;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * The keys of an {@code auth_hmac} block (keepalived 2.4.1).
 *
 * @param block the block
 * @param keys hexadecimal digits by id, 64 to 128; the one that is sent comes last
 */
record SignedAdverts(Directive block, Map<String, String> keys) {
  private static final int BYTES_MIN = 32;
  private static final int BYTES_MAX = 64;
  private static final int FILE_MAX = 1024;

  /**
   * Reads a block, and puts its mode into a spec.
   *
   * @param spec with its interval
   * @param files those that keys may be in
   */
  static SignedAdverts read(Directive block, Fields spec, ScriptFiles files, Report report) {
    report.translated(block);
    var keys = new LinkedHashMap<String, String>();
    Directive active = null;
    for (var directive : block.block()) {
      switch (directive.keyword()) {
        case "key" -> key(directive, files, report, keys);
        case "active_key" -> active = directive;
        case "mode" -> mode(directive, spec, report);
        case "anti_replay" -> {
          if (directive.argument(1).equals("time")) {
            report.translated(directive);
          } else {
            report.notSupported(directive, "clocks have to agree: within 5 s or three intervals");
          }
        }
        case "time_window" ->
            report.approximated(directive, "the window is 5 s, or three intervals if that is more");
        default -> {}
      }
    }
    spec.in("authentication", block).in("hmac", block);
    if (active != null) {
      report.translated(active, "nodes send the last key of the Secret");
      var last = keys.remove(active.argument(1));
      if (last != null) {
        keys.put(active.argument(1), last);
      }
    }
    return new SignedAdverts(block, keys);
  }

  private static void mode(Directive directive, Fields spec, Report report) {
    var mode =
        switch (directive.argument(1)) {
          case "receive-only" -> "ReceiveOnly";
          case "permissive" -> "Permissive";
          case "enforce" -> "Enforce";
          default -> null;
        };
    if (mode == null) {
      report.notSupported(directive, "expected receive-only, permissive or enforce");
    } else {
      spec.in("authentication", directive).in("hmac", directive).put("mode", mode, directive);
      report.translated(directive);
    }
  }

  private static void key(
      Directive directive, ScriptFiles files, Report report, Map<String, String> keys) {
    var id = Reading.number(directive.argument(1), 1, 255);
    if (id == null) {
      report.notSupported(directive, "expected an id from 1 to 255");
      return;
    }
    var value = directive.argument(2);
    if (value.startsWith("file:")) {
      value = content(value.substring("file:".length()), files);
      if (value == null) {
        report.approximated(
            directive,
            "its file is not here: add a line to the Secret, with id %d and the key in hexadecimal"
                .formatted(id));
        return;
      }
    }
    var digits = digits(value);
    if (digits == null) {
      report.notSupported(
          directive, "expected %d to %d bytes, hex: or text".formatted(BYTES_MIN, BYTES_MAX));
    } else {
      keys.put(id.toString(), digits);
      report.translated(directive, "in the Secret");
    }
  }

  /** The first line of a file, or null. */
  private static String content(String path, ScriptFiles files) {
    try {
      for (var file : files.includes().matching(path, files.folder())) {
        if (Files.size(file) <= FILE_MAX) {
          return Files.readString(file, StandardCharsets.ISO_8859_1)
              .lines()
              .findFirst()
              .orElse("")
              .strip();
        }
      }
    } catch (IOException _) {
      // As if it were not there.
      return null;
    }
    return null;
  }

  private static String digits(String value) {
    var digits =
        value.startsWith("hex:")
            ? value.substring("hex:".length()).toLowerCase(Locale.ROOT)
            : HexFormat.of().formatHex(value.getBytes(StandardCharsets.UTF_8));
    return digits.matches("([0-9a-f]{2}){%d,%d}".formatted(BYTES_MIN, BYTES_MAX)) ? digits : null;
  }

  /** The value of the Secret: on each line an id and its key. */
  String text() {
    return keys.entrySet().stream()
        .map(key -> key.getKey() + " " + key.getValue())
        .collect(Collectors.joining("\n"));
  }
}
