/** How both programs write their logs. */
package dev.virtualip.log;
