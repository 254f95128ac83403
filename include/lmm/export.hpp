#pragma once

/// Marks what leaves liblmm.so; all else is hidden.
#define LMM_API __attribute__((visibility("default")))
