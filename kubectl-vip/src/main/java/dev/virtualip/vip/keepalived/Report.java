package dev.virtualip.vip.keepalived;

import dev.virtualip.vip.keepalived.Configuration.Remark;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What became of each directive. One that nobody says anything about is not supported, so that
 * nothing gets lost in silence.
 */
public final class Report {
  /** What became of a directive, from good to bad. */
  public enum Outcome {
    /** The VirtualIP does the same, or does so always. */
    Translated,
    /** It does something like it. */
    Approximated,
    /** Nothing here does it. */
    NotSupported
  }

  /**
   * A line of the report.
   *
   * @param text the directive, without secrets
   * @param lastLine line of the end of its block
   * @param why how it is translated, or why it is not; empty if there is nothing to say
   */
  public record Entry(Place place, int lastLine, String text, Outcome outcome, String why) {
    /** As in {@code a.conf:4 use_vmac: why}. */
    @Override
    public String toString() {
      var lines = lastLine > place.line() ? "-" + lastLine : "";
      return place + lines + " " + text + (why.isEmpty() ? "" : ": " + why);
    }
  }

  private final Map<Directive, Entry> entries = new IdentityHashMap<>();
  private final Set<Directive> covered = Collections.newSetFromMap(new IdentityHashMap<>());
  private final List<Entry> more = new ArrayList<>();
  private final List<Remark> skipped = new ArrayList<>();
  private final List<Remark> notes = new ArrayList<>();
  private final List<String> errors = new ArrayList<>();

  void translated(Directive directive) {
    claim(directive, Outcome.Translated, "");
  }

  /** It is translated; what else there is to know. */
  void translated(Directive directive, String note) {
    claim(directive, Outcome.Translated, note);
  }

  void approximated(Directive directive, String how) {
    claim(directive, Outcome.Approximated, how);
  }

  /** Nothing uses it, so that neither it nor anything in its block has an effect. */
  void unused(Directive directive, String why) {
    claim(directive, Outcome.Translated, why);
    directive.all().skip(1).forEach(this::cover);
  }

  /** It is not supported, nor is anything in its block. */
  void notSupported(Directive directive, String why) {
    claim(directive, Outcome.NotSupported, why);
    directive.all().skip(1).forEach(this::cover);
  }

  /** Its outcome is that of its block. */
  private void cover(Directive directive) {
    entries.remove(directive);
    covered.add(directive);
  }

  /** The worst outcome counts, with what was said of it. */
  void claim(Directive directive, Outcome outcome, String why) {
    var entry = new Entry(directive.place(), directive.lastLine(), directive.text(), outcome, why);
    entries.merge(directive, entry, Report::worse);
  }

  private static Entry worse(Entry a, Entry b) {
    if (a.outcome() != b.outcome()) {
      return a.outcome().compareTo(b.outcome()) > 0 ? a : b;
    }
    return a.why().contains(b.why())
        ? a
        : new Entry(
            a.place(),
            a.lastLine(),
            a.text(),
            a.outcome(),
            a.why().isEmpty() ? b.why() : a.why() + "; " + b.why());
  }

  boolean isClaimed(Directive directive) {
    return entries.containsKey(directive) || covered.contains(directive);
  }

  /** What else there is to know of a directive, whatever became of it. */
  void note(Directive directive, String why) {
    notes.add(new Remark(directive.place(), directive.text(), why));
  }

  /** Something that cannot be in one VirtualIP. */
  void error(String message) {
    if (!errors.contains(message)) {
      errors.add(message);
    }
  }

  /**
   * Takes what is to be said of the texts; every directive has an outcome after this.
   *
   * @param all one configuration for each host
   */
  void complete(List<Configuration> all) {
    for (var configuration : all) {
      complete(configuration);
    }
    completeSkipped(all);
  }

  private void complete(Configuration configuration) {
    for (var directive : configuration.directives()) {
      complete(directive);
    }
    notes.addAll(configuration.remarks());
    for (var file : configuration.missing()) {
      more.add(
          new Entry(
              file.place(), file.place().line(), file.text(), Outcome.NotSupported, file.why()));
    }
    skipped.addAll(configuration.skipped());
  }

  private void complete(Directive directive) {
    if (!isClaimed(directive)) {
      notSupported(directive, "unknown here; keepalived -t tells whether keepalived knows it");
    }
    directive.block().forEach(this::complete);
  }

  /** Lines for other hosts become entries, unless another configuration has them. */
  private void completeSkipped(List<Configuration> all) {
    var places =
        all.stream()
            .map(one -> one.skipped().stream().map(Remark::place).collect(Collectors.toSet()))
            .toList();
    for (var line : skipped) {
      if (places.stream().allMatch(one -> one.contains(line.place()))) {
        more.add(
            new Entry(
                line.place(),
                line.place().line(),
                line.text(),
                Outcome.NotSupported,
                line.why() + ", which none of these has: see --id and --host"));
      }
    }
  }

  /** All entries in the order of files and lines; equal ones once. */
  public List<Entry> entries() {
    return Stream.concat(entries.values().stream(), more.stream())
        .sorted(
            Comparator.comparing((Entry entry) -> entry.place().file())
                .thenComparing(entry -> entry.place().line())
                .thenComparing(entry -> entry.place().column())
                .thenComparing(Entry::outcome)
                .thenComparing(Entry::text)
                .thenComparing(Entry::why))
        .distinct()
        .toList();
  }

  /** The entries with an outcome. */
  public List<Entry> entries(Outcome outcome) {
    return entries().stream().filter(entry -> entry.outcome() == outcome).toList();
  }

  /** Differences between hosts that no VirtualIP can have. */
  public List<String> errors() {
    return List.copyOf(errors);
  }

  /** What else there is to know, as of comments that begin within a word. */
  public List<String> notes() {
    return notes.stream()
        .map(note -> "%s %s: %s".formatted(note.place(), note.text(), note.why()))
        .distinct()
        .toList();
  }
}
