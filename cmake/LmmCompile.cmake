# Warnings and sanitizers of lmm's own targets.
function(lmm_compile_options target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
    -Wno-missing-field-initializers  # designated initialisers leave out what has a default
    -Wno-restrict)                   # g++ 12 sees overlaps in std::string that are not there
  foreach(sanitizer IN LISTS LMM_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${sanitizer} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    target_link_options(${target} PRIVATE -fsanitize=${sanitizer})
  endforeach()
endfunction()
