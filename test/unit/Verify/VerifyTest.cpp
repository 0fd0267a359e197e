// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Libraries that differ in one thing each (Variant.c), compared.

#include "bit/Verify/Verify.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

using namespace bit;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

std::string path(const std::string &variant) {
  return std::string(VARIANTS) + "/" + variant + ".so";
}

llvm::Expected<Verification> compare(const std::string &variant,
                                     const std::string &reference = "RIGHT",
                                     unsigned sets = 8) {
  VerifyOptions options;
  options.sets = sets;
  return verifyLibrary(path(variant), path(reference), options);
}

Verification expectRuns(llvm::Expected<Verification> result) {
  if (result)
    return std::move(*result);
  ADD_FAILURE() << llvm::toString(result.takeError());
  return {};
}

TEST(Verify, EqualLibrariesAgreeOnEveryLevelOfThisMachine) {
  Verification result = expectRuns(compare("RIGHT"));
  EXPECT_TRUE(result.agrees());
  EXPECT_EQ(result.sets, 8u);
  EXPECT_THAT(result.levels, ElementsAre("best", "baseline"));
  EXPECT_THAT(result.lacking, ElementsAre("future"));
  EXPECT_THAT(result.skipped, IsEmpty());
  ASSERT_EQ(result.outputs.size(), 2u);
  // Batches of 2, 1, 3, 17, 5, 8, 33 and 4 rows of 4 columns, on two levels.
  EXPECT_EQ(result.outputs[0].elements, 73u * 4 * 2);
  EXPECT_EQ(result.outputs[1].elements, 73u * 2);
  EXPECT_EQ(result.outputs[0].worst, "");
}

TEST(Verify, FewerSetsTakeFewerSizes) {
  Verification result = expectRuns(compare("ONE_ULP", "RIGHT", 3));
  EXPECT_EQ(result.sets, 3u);
  EXPECT_TRUE(result.agrees()); // the batch of 17 is in the fourth
}

TEST(Verify, OneUlpIsADifference) {
  Verification result = expectRuns(compare("ONE_ULP"));
  EXPECT_FALSE(result.agrees());
  EXPECT_THAT(result.failures, IsEmpty());
  EXPECT_EQ(result.outputs[0].differing, 2u); // one a level
  EXPECT_EQ(result.outputs[1].differing, 0u);
  EXPECT_THAT(result.outputs[0].worst,
              HasSubstr("at [16, 3], level best, input set 3, x [17, 4], "
                        "index [17]"));
}

TEST(Verify, TheSignOfZeroIsADifferenceOfZero) {
  Verification result = expectRuns(compare("NEGATIVE_ZERO"));
  EXPECT_FALSE(result.agrees());
  EXPECT_EQ(result.outputs[0].differing, 2u);
  EXPECT_EQ(result.outputs[0].worstAbsolute, 0);
  EXPECT_EQ(result.outputs[0].worstRelative, 0);
  EXPECT_THAT(result.outputs[0].worst, HasSubstr("expects 0, got -0"));
}

TEST(Verify, AnyNaNIsAsGoodAsAnother) {
  Verification result = expectRuns(compare("OTHER_NAN"));
  EXPECT_TRUE(result.agrees());
}

TEST(Verify, ALevelThatIsWrongIsNamed) {
  Verification result = expectRuns(compare("WRONG_LEVEL"));
  EXPECT_FALSE(result.agrees());
  EXPECT_THAT(result.outputs[0].worst, HasSubstr("level baseline"));
}

TEST(Verify, FailingWhereTheReferenceRunsIsADifference) {
  Verification result = expectRuns(compare("FAILS"));
  EXPECT_FALSE(result.agrees());
  EXPECT_THAT(result.failures,
              ElementsAre("level best, input set 2, x [3, 4], index [3]: fails "
                          "where the reference runs: three is too many",
                          "level baseline, input set 2, x [3, 4], index [3]: "
                          "fails where the reference runs: three is too many"));
}

TEST(Verify, RunningWhereTheReferenceFailsIsADifference) {
  Verification result = expectRuns(compare("RIGHT", "FAILS"));
  EXPECT_FALSE(result.agrees());
  ASSERT_FALSE(result.failures.empty());
  EXPECT_THAT(result.failures[0], HasSubstr("runs where the reference fails"));
}

TEST(Verify, AShapeOfItsOwnIsADifference) {
  Verification result = expectRuns(compare("OTHER_SHAPE"));
  EXPECT_FALSE(result.agrees());
  ASSERT_FALSE(result.failures.empty());
  EXPECT_THAT(result.failures[0],
              HasSubstr("output 'y' expects float32 [2, 4], got float32 [1, "
                        "4]"));
}

TEST(Verify, IndicesBecomeSmallerUntilTheyAreTaken) {
  Verification result = expectRuns(compare("STRICT", "STRICT"));
  EXPECT_TRUE(result.agrees());
  EXPECT_EQ(result.sets, 8u);
  // In the tamest inputs all sizes are 1.
  EXPECT_GT(result.outputs[1].elements, 0u);
}

TEST(Verify, InputsThatNobodyTakesAreNoAgreement) {
  llvm::Expected<Verification> result = compare("REFUSES", "REFUSES");
  ASSERT_FALSE(result);
  EXPECT_THAT(llvm::toString(result.takeError()),
              HasSubstr("no random inputs run: input set 0: index out of "
                        "range"));
}

TEST(Verify, SignaturesMustBeEqual) {
  llvm::Expected<Verification> result = compare("OTHER_NAME");
  ASSERT_FALSE(result);
  EXPECT_THAT(llvm::toString(result.takeError()),
              HasSubstr("the signatures differ: expects y float32"));
}

TEST(Verify, AMissingLibraryIsAnError) {
  llvm::Expected<Verification> result = compare("NO_SUCH_VARIANT");
  ASSERT_FALSE(result);
  EXPECT_THAT(llvm::toString(result.takeError()), HasSubstr("NO_SUCH_VARIANT"));
}

} // namespace
