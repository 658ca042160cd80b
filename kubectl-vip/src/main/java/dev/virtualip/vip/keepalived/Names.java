package dev.virtualip.vip.keepalived;

import java.util.HashSet;
import java.util.Locale;
import java.util.Set;

/** Makes names of Kubernetes of keepalived's, each once. */
final class Names {
  private static final int LENGTH_MAX = 60;

  private final Set<String> taken = new HashSet<>();

  /** A name that is like the text; it has a number behind it if there is such a name already. */
  String unique(String text) {
    var name = of(text);
    var unique = name;
    for (int i = 2; !taken.add(unique); i++) {
      unique = name + "-" + i;
    }
    return unique;
  }

  /** The name that is like a text: {@code VI_1} becomes {@code vi-1}. */
  static String of(String text) {
    var name = text.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "-");
    name = name.substring(0, Math.min(name.length(), LENGTH_MAX)).replaceAll("^-+|-+$", "");
    return name.isEmpty() ? "x" : name;
  }
}
