package dev.virtualip.log;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.Configurator;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.turbo.MDCFilter;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.encoder.Encoder;
import ch.qos.logback.core.spi.ContextAwareBase;
import java.util.Map;

/**
 * The log of a program, on standard error. It is code instead of an XML file, because the JVM would
 * load hundreds of classes to read one.
 */
public final class Logs extends ContextAwareBase implements Configurator {
  /** Log statements with this key in the MDC are dropped: they come from a rehearsal. */
  public static final String REHEARSAL = "rehearsal";

  private static volatile Program program;

  private record Program(Encoder<ILoggingEvent> encoder, Level level, Map<String, Level> others) {}

  /**
   * Writes lines of {@link LineEncoder}, from the level {@code LOG_LEVEL} on (INFO by default).
   *
   * @see #ofProgram(Encoder, Level, Map)
   */
  public static void ofProgram(Map<String, Level> others) {
    var encoder = new LineEncoder();
    encoder.setFormat(System.getenv().getOrDefault("LOG_FORMAT", "text"));
    ofProgram(encoder, Level.toLevel(System.getenv("LOG_LEVEL"), Level.INFO), others);
  }

  /**
   * Call before the first log statement. Only a JVM that is the program itself gets this
   * configuration: tests and the lab have files of their own.
   *
   * @param others levels of loggers, by name, that have another one
   */
  public static void ofProgram(
      Encoder<ILoggingEvent> encoder, Level level, Map<String, Level> others) {
    program = new Program(encoder, level, others);
  }

  /** {@inheritDoc} */
  @Override
  public ExecutionStatus configure(LoggerContext context) {
    if (program == null) {
      return ExecutionStatus.INVOKE_NEXT_IF_ANY;
    }
    var rehearsal = new MDCFilter();
    rehearsal.setMDCKey(REHEARSAL);
    rehearsal.setValue("true");
    rehearsal.setOnMatch("DENY");
    rehearsal.start();
    context.addTurboFilter(rehearsal);
    program.encoder().setContext(context);
    program.encoder().start();
    var appender = new ConsoleAppender<ILoggingEvent>();
    appender.setContext(context);
    appender.setTarget("System.err");
    appender.setEncoder(program.encoder());
    appender.start();
    var root = context.getLogger(Logger.ROOT_LOGGER_NAME);
    root.addAppender(appender);
    root.setLevel(program.level());
    program.others().forEach((name, level) -> context.getLogger(name).setLevel(level));
    return ExecutionStatus.DO_NOT_INVOKE_NEXT_IF_ANY;
  }
}
