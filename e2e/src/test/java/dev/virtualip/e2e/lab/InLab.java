package dev.virtualip.e2e.lab;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;

/**
 * On a test class that needs the lab: skipped where there is none. A test may take three minutes.
 */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@EnabledIfEnvironmentVariable(
    named = "VIRTUALIP_LAB",
    matches = "1",
    disabledReason = "the lab needs network namespaces: run as root")
@Timeout(value = 180, unit = TimeUnit.SECONDS)
public @interface InLab {}
