/** Where an iteration's prompts come from. */
package org.autodidact.engine.prompts;
