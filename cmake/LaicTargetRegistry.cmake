# laic_target_registry(OUT TEMPLATE NAME...): writes the source that knows the targets NAME..., each defining
# `std::unique_ptr<laic::Target> laic::create<NAME>Target()`.
function(laic_target_registry out template)
  set(declarations "")
  set(creations "")
  foreach(name ${ARGN})
    string(APPEND declarations "std::unique_ptr<Target> create${name}Target();\n")
    string(APPEND creations "    all.push_back(create${name}Target());\n")
  endforeach()
  configure_file(${template} ${out} @ONLY)
endfunction()
