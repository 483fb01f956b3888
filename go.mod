module github.com/gantrymq/gantry

go 1.26
