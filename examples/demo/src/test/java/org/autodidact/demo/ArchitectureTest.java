package org.autodidact.demo;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

@AnalyzeClasses(packages = "org.autodidact", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
  /** Neither the loop, its plugins, nor the data that M1 learns from know the truth. */
  @ArchTest
  static final ArchRule TRAINING_NEVER_SEES_THE_TRUTH =
      noClasses()
          .that()
          .resideInAnyPackage(
              "org.autodidact.engine..",
              "org.autodidact.onnxruntime..",
              "org.autodidact.pytorch..",
              "org.autodidact.checkpoints..",
              "org.autodidact.demo.recipe..",
              "org.autodidact.demo.language..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("org.autodidact.demo.verify..");
}
