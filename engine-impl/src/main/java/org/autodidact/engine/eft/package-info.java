/** Evaluation fine-tuning data (EFT) from ranked answers: what teaches a model to judge. */
package org.autodidact.engine.eft;
