package dev.virtualip.process;

import java.io.PrintStream;
import java.util.Map;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.slf4j.MDC;

/**
 * Logging of a program: one line per fact to standard error, as text or as JSON. Stands below
 * SLF4J, by java.util.logging, which every JDK has and which starts in no time.
 */
public final class LogLines extends Handler {
  /** Key of SLF4J's MDC: a thread that has it set logs nothing. */
  public static final String SILENCE = "silence";

  private static final Map<String, Level> LEVELS =
      Map.of("ERROR", Level.SEVERE, "WARN", Level.WARNING, "INFO", Level.INFO, "DEBUG", Level.FINE);

  private final LogFormat format;
  private final PrintStream out;
  private final Repetitions repetitions = new Repetitions();

  LogLines(LogFormat format, PrintStream out) {
    this.format = format;
    this.out = out;
  }

  /**
   * Logs from now on as the environment says: {@code LOG_LEVEL} is {@code ERROR}, {@code WARN},
   * {@code INFO} (the default) or {@code DEBUG}; {@code LOG_FORMAT} is {@code text} (the default)
   * or {@code json}.
   *
   * @param node name of the node that is part of every JSON line, or null
   * @param quiet loggers of libraries that say less, by name; java.util.logging forgets the level
   *     of a logger that nobody holds, so keep what is returned
   * @return the loggers in {@code quiet}
   * @throws IllegalArgumentException if a variable has another value, with what to set it to
   */
  public static Object install(
      Map<String, String> environment, String node, Map<String, String> quiet) {
    var level = level("LOG_LEVEL", environment.getOrDefault("LOG_LEVEL", "INFO"));
    var format = LogFormat.named(environment.getOrDefault("LOG_FORMAT", "text"), node);
    var root = Logger.getLogger("");
    for (var handler : root.getHandlers()) {
      root.removeHandler(handler);
    }
    root.addHandler(new LogLines(format, System.err));
    root.setLevel(level);
    return quiet.entrySet().stream()
        .map(
            entry -> {
              var logger = Logger.getLogger(entry.getKey());
              logger.setLevel(level(entry.getKey(), entry.getValue()));
              return logger;
            })
        .toList();
  }

  private static Level level(String what, String name) {
    var level = LEVELS.get(name);
    if (level == null) {
      throw new IllegalArgumentException(
          what + "=" + name + " is no log level: use ERROR, WARN, INFO or DEBUG");
    }
    return level;
  }

  @Override
  public void publish(LogRecord record) {
    if (!isLoggable(record) || MDC.get(SILENCE) != null) {
      return;
    }
    int repeated =
        repetitions.before(record.getLoggerName() + record.getMessage(), System.nanoTime());
    if (repeated >= 0) {
      out.print(format.line(record, repeated));
      out.flush();
    }
  }

  @Override
  public void flush() {
    out.flush();
  }

  @Override
  public void close() {
    out.flush();
  }
}
