#pragma once

#include <cstdint>
#include <string>

namespace lmm::chat_template {

/// Digits of |value| in decimal, or for the types b, o, x and X.
std::string integer_digits(std::int64_t value, char type);

/// |value| in the way of C's printf for e, E, f, F, g and G; precision -1 means 6. Independent of the locale.
std::string float_digits(double value, char type, std::int64_t precision, bool alternate);

}  // namespace lmm::chat_template
