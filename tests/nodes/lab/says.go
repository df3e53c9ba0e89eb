// The one program of the lab's images: it tells which machine it is on, and waits or connects on request.
package main

import (
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func machine() string {
	var found syscall.Utsname
	if err := syscall.Uname(&found); err != nil {
		return err.Error()
	}
	text := ""
	for _, letter := range found.Machine {
		if letter == 0 {
			break
		}
		text += string(rune(letter))
	}
	return text
}

func main() {
	for _, word := range os.Args[1:] {
		switch word {
		case "machine":
			fmt.Println(machine())
		case "wait":
			ended := make(chan os.Signal, 1)
			signal.Notify(ended, syscall.SIGTERM, syscall.SIGINT)
			<-ended
		default:
			connection, err := net.DialTimeout("tcp", word, 5*time.Second)
			if err != nil {
				fmt.Println(err)
				os.Exit(1)
			}
			connection.Close()
			fmt.Println("reached", word)
		}
	}
}
