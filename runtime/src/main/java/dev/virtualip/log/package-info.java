/** How both programs write their logs, and what becomes of a defect. */
package dev.virtualip.log;
