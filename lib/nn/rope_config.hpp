#pragma once

#include "lib/core/json.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace lmm::nn {

/// Rotary position embedding of one decoder (Su et al. 2021, arXiv 2104.09864), with the scalings of
/// transformers/modeling_rope_utils.py.
struct RopeConfig {
  enum class Type { standard, linear, llama3, yarn };

  /// How the frequencies are shared out among the axes of multimodal positions (position.hpp), by `mrope_section`.
  enum class Sections {
    none,         ///< plain positions
    contiguous,   ///< section by section: section i follows axis i mod 3 (Qwen2-VL, Qwen2.5-VL)
    interleaved,  ///< one frequency each in turn, the time axis taking what the others leave (Qwen3-VL)
  };

  /// What a config that leaves it out means.
  struct Defaults {
    double theta = 10000.0;
    Sections sections = Sections::none;
    std::vector<std::int64_t> section = {};  ///< mrope_section
  };

  Type type = Type::standard;
  double theta = 10000.0;
  std::int64_t head_dim = 0;  ///< even
  double factor = 1.0;
  double low_freq_factor = 1.0;   // llama3
  double high_freq_factor = 4.0;  // llama3
  std::int64_t original_context = 0;  // llama3, yarn
  double attention_factor = 1.0;  ///< multiplies cos and sin
  double beta_fast = 32.0;  // yarn
  double beta_slow = 1.0;   // yarn
  bool truncate = true;     // yarn
  std::vector<std::int64_t> axes;  ///< axis that each of the head_dim / 2 frequencies follows; empty: plain positions

  /// Reads rope_parameters, or rope_scaling and rope_theta as older files spell them.
  /// Error unsupported for a type it does not know, bad_file for missing or senseless parameters.
  static RopeConfig parse(const Fields& text_config, std::int64_t head_dim, std::int64_t context_length,
                          const Defaults& defaults);

  /// Inverse frequencies, head_dim / 2 of them, computed in float as the reference does.
  std::vector<float> inverse_frequencies() const;
};

}  // namespace lmm::nn
