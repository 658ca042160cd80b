package dev.virtualip.log;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import org.slf4j.LoggerFactory;

/**
 * The log's level while the program runs: the annotation {@value #ANNOTATION} of an object that the
 * program follows anyway, or else that of the start. Loggers with a level of their own keep it.
 */
public final class LogLevel {
  /** Its values are TRACE, DEBUG, INFO, WARN and ERROR, in capitals or not. */
  public static final String ANNOTATION = "virtualip.dev/log-level";

  private static final org.slf4j.Logger LOG = LoggerFactory.getLogger(LogLevel.class);
  private static final Set<String> LEVELS = Set.of("TRACE", "DEBUG", "INFO", "WARN", "ERROR");

  private final Logger root = (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
  private final Level usual = root.getLevel();
  private String asked;

  /**
   * Sets the level. One that does not exist is reported once, and counts as none.
   *
   * @param level the annotation's value, or null if there is none
   */
  public synchronized void follow(String level) {
    if (Objects.equals(level, asked)) {
      return;
    }
    asked = level;
    var name = level == null ? null : level.strip().toUpperCase(Locale.ROOT);
    if (name != null && !LEVELS.contains(name)) {
      LOG.warn(
          "log_level_unknown annotation={} value=\"{}\": use TRACE, DEBUG, INFO, WARN or ERROR",
          ANNOTATION,
          level);
      name = null;
    }
    var wanted = name == null ? usual : Level.toLevel(name);
    LOG.info("log_level level={}", wanted);
    root.setLevel(wanted);
  }
}
