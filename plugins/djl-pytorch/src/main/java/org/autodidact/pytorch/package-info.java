/** Trainer for SFT and DPO: a TorchScript program that Java writes, run by libtorch through DJL. */
package org.autodidact.pytorch;
