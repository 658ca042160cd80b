package dev.virtualip.agent.vrrp;

import dev.virtualip.agent.vrrp.Reason.Kind;
import java.util.List;
import java.util.stream.Stream;

/** Reasons as tests write them: as users read them. */
public final class Reasons {
  private Reasons() {}

  /** Reasons, as in {@code LinkDown(eth0)}. */
  public static List<Reason> of(String... texts) {
    return Stream.of(texts).map(Reasons::reason).toList();
  }

  /** A reason, as in {@code LinkDown(eth0)} or {@code MasterDown}. */
  public static Reason reason(String text) {
    int bracket = text.indexOf('(');
    return bracket < 0
        ? Reason.of(Kind.valueOf(text))
        : new Reason(
            Kind.valueOf(text.substring(0, bracket)),
            text.substring(bracket + 1, text.length() - 1));
  }
}
