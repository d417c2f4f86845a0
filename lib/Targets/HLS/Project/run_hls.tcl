# vitis_hls -f run_hls.tcl: synthesises the design. It was written for the tool's documented commands and has not been run in it.
open_project -reset design_prj
set_top top
add_files src/top.cpp
open_solution -reset solution1 -flow_target vivado
set_part @part@
create_clock -period 5 -name default
csynth_design
export_design -format ip_catalog
exit
